"""Services that are known by the name of their host, so that nothing has to be asked."""

from __future__ import annotations

from nexus.domain.addresses import host_of
from nexus.domain.backend import BackendType

HOSTS: tuple[tuple[str, BackendType, str], ...] = (
    ("api.openai.com", BackendType.OPENAI, "OpenAI"),
    ("api.anthropic.com", BackendType.ANTHROPIC, "Anthropic"),
    ("generativelanguage.googleapis.com", BackendType.GOOGLE, "Google Gemini"),
    ("openrouter.ai", BackendType.GENERIC, "OpenRouter"),
    ("api.groq.com", BackendType.GENERIC, "Groq"),
    ("api.together.xyz", BackendType.GENERIC, "Together"),
    ("api.together.ai", BackendType.GENERIC, "Together"),
    ("api.mistral.ai", BackendType.GENERIC, "Mistral"),
    ("api.deepseek.com", BackendType.GENERIC, "DeepSeek"),
    ("api.x.ai", BackendType.GENERIC, "xAI"),
    ("api.fireworks.ai", BackendType.GENERIC, "Fireworks"),
    ("api.cerebras.ai", BackendType.GENERIC, "Cerebras"),
    ("openai.azure.com", BackendType.GENERIC, "Azure OpenAI"),
)
"""Host, or what it ends in after a dot; type; product."""


def service_at(url: str) -> tuple[BackendType, str, str] | None:
    """Type, product and evidence of a well-known service; None for any other host."""
    host = host_of(url).rstrip(".").lower()
    for name, type, product in HOSTS:
        if host == name or host.endswith("." + name):
            return type, product, f"its host is {name}"
    return None
