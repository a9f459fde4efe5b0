"""What servers that could not be run here answer, after their sources and documentation."""

from __future__ import annotations

from nexus.domain.backend import BackendType
from nexus.domain.http import HttpReply
from tests.fakes.captures import said

NOT_FOUND = said({"detail": "Not Found"}, 404)
GIN_404 = HttpReply(404, b"404 page not found", {"content-type": "text/plain"})


def ollama_tag(name: str, **more: object) -> dict[str, object]:
    return {
        "name": name,
        "model": name,
        "modified_at": "2026-08-01T00:00:00Z",
        "size": 4661224676,
        "digest": "365c0bd3c000",
        "details": {"format": "gguf", "family": "llama", "context_length": 131072},
        "capabilities": ["completion", "tools"],
        **more,
    }


OLLAMA_TAGS = said(
    {
        "models": [
            ollama_tag("llama3.2:latest"),
            ollama_tag("llava:7b", capabilities=["completion", "vision"]),
            ollama_tag("nomic-embed-text:latest", capabilities=["embedding"]),
            ollama_tag("qwen3:8b", capabilities=["completion", "tools", "thinking"]),
            ollama_tag("gpt-oss:120b-cloud", remote_host="https://ollama.com:443"),
            ollama_tag("kimi-k2:cloud"),
        ]
    }
)
OLLAMA_PS = said(
    {
        "models": [
            {
                "name": "llama3.2:latest",
                "model": "llama3.2:latest",
                "expires_at": "2026-08-01T00:05:00Z",
                "size_vram": 5137025024,
                "context_length": 4096,
            }
        ]
    }
)
OLLAMA_VERSION = said({"version": "0.33.0"})
OLLAMA = {
    "/v1/models": said(
        {
            "object": "list",
            "data": [
                {"id": "llama3.2:latest", "object": "model", "created": 1, "owned_by": "library"}
            ],
        }
    ),
    "/api/version": OLLAMA_VERSION,
    "/api/status": said({"cloud": {"disabled": False, "source": "none"}}),
    "/api/ps": OLLAMA_PS,
    "/api/tags": OLLAMA_TAGS,
    "/props": GIN_404,
}
OLLAMA_EMPTY = {**OLLAMA, "/v1/models": said({"object": "list", "data": None})}
OLLAMA_2025 = {
    **OLLAMA,
    "/api/version": said({"version": "0.9.0"}),
    "/api/status": GIN_404,
    "/api/ps": said({"models": []}),
}
OLLAMA_2025_EMPTY = {**OLLAMA_2025, "/v1/models": said({"object": "list", "data": None})}

LMSTUDIO_ODD = said({"error": "Unexpected endpoint or method. (GET /props)"})
LMSTUDIO_V1 = said(
    {
        "models": [
            {
                "type": "llm",
                "key": "qwen/qwen3-8b",
                "loaded_instances": [
                    {"id": "qwen/qwen3-8b", "config": {"context_length": 8192, "parallel": 4}},
                    {"id": "qwen/qwen3-8b:2", "config": {"context_length": 4096}},
                ],
                "max_context_length": 40960,
                "capabilities": {"vision": False, "trained_for_tool_use": True},
            },
            {
                "type": "llm",
                "key": "google/gemma-3-4b",
                "loaded_instances": [],
                "max_context_length": 131072,
                "capabilities": {"vision": True, "trained_for_tool_use": False},
            },
            {
                "type": "embedding",
                "key": "text-embedding-nomic",
                "loaded_instances": [],
                "max_context_length": 2048,
            },
        ]
    }
)
LMSTUDIO_V0 = said(
    {
        "object": "list",
        "data": [
            {
                "id": "qwen/qwen3-8b",
                "type": "llm",
                "state": "loaded",
                "compatibility_type": "gguf",
                "max_context_length": 40960,
                "loaded_context_length": 8192,
                "capabilities": ["tool_use"],
            },
            {
                "id": "google/gemma-3-4b",
                "type": "vlm",
                "state": "not-loaded",
                "compatibility_type": "mlx",
                "max_context_length": 131072,
            },
            {
                "id": "text-embedding-nomic",
                "type": "embeddings",
                "state": "not-loaded",
                "compatibility_type": "gguf",
                "max_context_length": 2048,
            },
        ],
    }
)
LMSTUDIO_LIST = said(
    {
        "object": "list",
        "data": [
            {"id": name, "object": "model", "owned_by": "organization_owner"}
            for name in (
                "qwen/qwen3-8b",
                "qwen/qwen3-8b:2",
                "google/gemma-3-4b",
                "text-embedding-nomic",
            )
        ],
    },
    headers={"x-powered-by": "Express"},
)
LMSTUDIO = {
    "/v1/models": LMSTUDIO_LIST,
    "/api/v1/models": LMSTUDIO_V1,
    "/api/v0/models": LMSTUDIO_V0,
    "/api/version": LMSTUDIO_ODD,
    "/version": LMSTUDIO_ODD,
    "/props": LMSTUDIO_ODD,
    "/api/status": LMSTUDIO_ODD,
    "/.well-known/localai.json": LMSTUDIO_ODD,
    "/api/extra/version": LMSTUDIO_ODD,
}
LMSTUDIO_EMPTY = {
    **LMSTUDIO,
    "/v1/models": said({"object": "list", "data": []}, headers={"x-powered-by": "Express"}),
    "/api/v1/models": said({"models": []}),
    "/api/v0/models": said({"object": "list", "data": []}),
}

EXO_LIST = said(
    {
        "object": "list",
        "data": [
            {
                "id": name,
                "object": "model",
                "owned_by": "exo",
                "hugging_face_id": name,
                "context_length": 131072,
                "supports_tensor": True,
                "storage_size_megabytes": 700,
                "capabilities": capabilities,
            }
            for name, capabilities in (
                ("mlx-community/Llama-3.2-1B", ["text"]),
                ("mlx-community/Qwen3-VL", ["text", "vision", "thinking"]),
                ("mlx-community/Kimi-K2", ["text"]),
            )
        ],
    }
)
EXO_STATE = said(
    {
        "topology": {"nodes": []},
        "instances": {
            "one": {
                "MlxRingInstance": {
                    "instanceId": "one",
                    "shardAssignments": {"modelId": "mlx-community/Qwen3-VL", "runnerToShard": {}},
                }
            }
        },
        "runners": {},
    }
)
EXO = {"/v1/models": EXO_LIST, "/state": EXO_STATE, "/node_id": said("12D3KooW")}

_PLAIN = {
    "object": "list",
    "data": [{"id": "llama3:8b", "object": "model", "created": 1, "owned_by": "library"}],
}

IMITATORS: dict[str, dict[str, HttpReply]] = {
    "LocalAI that copies Ollama": {
        "/v1/models": said({"object": "list", "data": [{"id": "phi-4", "object": "model"}]}),
        "/api/version": OLLAMA_VERSION,
        "/api/tags": OLLAMA_TAGS,
        "/version": said({"version": "v3.9.0 (abc)"}),
        "/.well-known/localai.json": said({"version": "v3.9.0", "endpoints": {}}),
    },
    "KoboldCpp that copies Ollama": {
        "/v1/models": said(_PLAIN, headers={"server": "ConcedoLlamaForKoboldServer"}),
        "/api/version": said({"version": "0.7.0"}),
        "/api/tags": OLLAMA_TAGS,
        "/api/ps": OLLAMA_PS,
        "/props": said({"default_generation_settings": {}, "total_slots": 1, "chat_template": ""}),
        "/api/extra/version": said({"result": "KoboldCpp", "version": "1.99"}),
    },
    "SGLang that copies Ollama": {
        "/v1/models": said(
            {
                "object": "list",
                "data": [
                    {
                        "id": "m",
                        "object": "model",
                        "owned_by": "sglang",
                        "root": "m",
                        "max_model_len": 4096,
                    }
                ],
            },
            headers={"server": "uvicorn"},
        ),
        "/api/version": OLLAMA_VERSION,
        "/api/tags": OLLAMA_TAGS,
    },
    "Lemonade that copies Ollama": {
        "/v1/models": said(
            {
                "object": "list",
                "data": [
                    {
                        "id": "Qwen3-8B-GGUF",
                        "owned_by": "lemonade",
                        "recipe": "llamacpp",
                        "checkpoint": "unsloth/Qwen3",
                        "labels": ["tool-calling", "reasoning"],
                        "context_length": 4096,
                    }
                ],
            }
        ),
        "/api/version": OLLAMA_VERSION,
        "/api/tags": OLLAMA_TAGS,
        "/api/v1/models": said({"object": "list", "data": []}),
    },
    "TabbyAPI that copies llama.cpp": {
        "/v1/models": said({"detail": "Please provide an API key"}, 401, {"server": "uvicorn"}),
        "/props": said(
            {
                "total_slots": 1,
                "chat_template": "",
                "default_generation_settings": {"n_ctx": 4096},
            }
        ),
        "/.well-known/serviceinfo": said({"version": 0.1, "software": {"name": "TabbyAPI"}}),
    },
    "Aphrodite that copies vLLM": {
        "/v1/models": said(
            {
                "object": "list",
                "data": [
                    {
                        "id": "m",
                        "owned_by": "pygmalionai",
                        "max_model_len": 4096,
                        "permission": [],
                    }
                ],
            },
            headers={"server": "uvicorn"},
        ),
        "/version": said({"version": "0.10.0"}),
        "/.well-known/serviceinfo": said({"software": {"name": "Aphrodite Engine"}}),
    },
    "GPUStack that copies vLLM's version": {
        "/v1/models": said({"object": "list", "data": [{"id": "m", "owned_by": "gpustack"}]}),
        "/version": said({"version": "0.7.0", "git_commit": "abc"}),
    },
    "llama-swap with Ollama's version path": {
        "/v1/models": said(
            {"object": "list", "data": [{"id": "a:b", "owned_by": "llama-swap", "created": 1}]}
        ),
        "/api/version": said({"version": "166", "commit": "abc", "build_date": "2026"}),
        "/api/status": GIN_404,
    },
    "an empty llama-swap": {
        "/v1/models": said({"object": "list", "data": []}),
        "/api/version": said({"version": "166", "commit": "abc", "build_date": "2026"}),
        "/api/status": GIN_404,
    },
    "a proxy that lists Ollama's models": {
        "/v1/models": said(_PLAIN),
        "/api/version": NOT_FOUND,
    },
}
"""All of them are spoken to as generic servers, never as the one they imitate."""

PRODUCTS: dict[str, tuple[BackendType, dict[str, HttpReply]]] = {
    "TGI": (
        BackendType.GENERIC,
        {
            "/v1/models": said(
                {
                    "object": "list",
                    "data": [{"id": "m/x", "object": "model", "created": 0, "owned_by": "m/x"}],
                }
            ),
            "/info": said(
                {
                    "model_id": "m/x",
                    "router": "text-generation-router",
                    "version": "3.3.4",
                    "max_total_tokens": 4096,
                    "max_concurrent_requests": 128,
                }
            ),
        },
    ),
    "OpenRouter": (
        BackendType.GENERIC,
        {
            "/v1/models": said(
                {
                    "data": [
                        {
                            "id": "a/b",
                            "context_length": 200000,
                            "pricing": {"prompt": "0.000001"},
                            "architecture": {"input_modalities": ["text"]},
                            "top_provider": {"context_length": 200000},
                            "supported_parameters": ["tools"],
                        }
                    ]
                }
            )
        },
    ),
    "Groq": (
        BackendType.GENERIC,
        {
            "/v1/models": said(
                {
                    "object": "list",
                    "data": [
                        {
                            "id": "llama-3.3-70b",
                            "object": "model",
                            "owned_by": "Meta",
                            "active": True,
                            "context_window": 131072,
                        }
                    ],
                }
            )
        },
    ),
    "Together": (
        BackendType.GENERIC,
        {
            "/v1/models": said(
                [{"id": "a/b", "type": "chat", "pricing": {"input": 1}, "object": "model"}]
            )
        },
    ),
    "Anthropic": (
        BackendType.ANTHROPIC,
        {
            "/v1/models": said(
                {
                    "type": "error",
                    "error": {"type": "authentication_error", "message": "x-api-key is required"},
                },
                401,
                {"request-id": "req_1"},
            )
        },
    ),
    "Google Gemini": (
        BackendType.GOOGLE,
        {
            "/v1/models": said(
                {"models": [{"name": "models/g", "supportedGenerationMethods": ["x"]}]}
            )
        },
    ),
}
"""Product -> its type and what it answers. Each says by its own list or refusal who it is."""

STRANGERS: dict[str, dict[str, HttpReply]] = {
    "a web page for everything": {
        path: HttpReply(200, b"<!doctype html><title>Hi</title>", {"content-type": "text/html"})
        for path in ("/v1/models", "/api/version", "/props", "/version", "/api/ps", "/api/status")
    },
    "a dashboard with a health path": {
        "/v1/models": said({"status": "ok"}),
        "/api/version": said({"version": "1.2.3"}),
    },
    "a text that says it is Ollama": {
        "/v1/models": GIN_404,
        "/": HttpReply(200, b"Ollama is running"),
        "/api/version": GIN_404,
    },
    "a GPUStack that wants a key": {
        "/v1/models": said({"error": "Unauthorized"}, 401, {"server": "uvicorn"}),
        "/version": said({"version": "0.7.0", "git_commit": "abc"}),
    },
    "silence": {"/v1/models": HttpReply(0)},
    "another Nexus": {
        "/v1/models": said({"object": "list", "data": [{"id": "m", "owned_by": "nexus"}]})
    },
    "another Nexus without models": {
        "/v1/models": said({"object": "list", "data": []}),
        "/": said({"name": "nexus", "version": "0.1.0", "openai_base_url": "http://x/v1"}),
    },
    "another Nexus over an exo": {
        "/v1/models": said(
            {
                "object": "list",
                "data": [
                    {
                        "id": "m",
                        "owned_by": "exo",
                        "capabilities": {"tools": True},
                        "backends": ["exo"],
                    }
                ],
            }
        )
    },
    "another Nexus that refuses": {
        "/v1/models": said({"error": {}}, 401, {"x-nexus-request-id": "0123456789abcdef"})
    },
}
