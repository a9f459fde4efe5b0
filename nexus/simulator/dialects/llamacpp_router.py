"""llama.cpp's router mode: many models, each loaded and unloaded by request. Pure."""

from __future__ import annotations

from nexus.domain.backend import Model
from nexus.simulator.dialects.base import Moved, Situation
from nexus.simulator.spec import SimSpec
from nexus.simulator.wire import Reply, reply_json

LEVERS = {"/models/load": "load", "/models/unload": "unload"}


def is_router(spec: SimSpec) -> bool:
    """One model is served by itself; more are routed."""
    return len(spec.models) > 1


def props(build: str) -> Reply:
    """The router's own properties; those of a model are asked for with `?model=`."""
    return reply_json(
        {
            "role": "router",
            "max_instances": 4,
            "models_autoload": True,
            "model_alias": "llama-server",
            "model_path": "none",
            "default_generation_settings": {"params": dict[str, object](), "n_ctx": 0},
            "ui_settings": {},
            "build_info": build,
            "cors_proxy_enabled": False,
        }
    )


def listed(entry: dict[str, object], model: Model, situation: Situation) -> dict[str, object]:
    """A model's entry with its status; what is not loaded has no `meta`."""
    loaded = model.id in situation.loaded
    word = "loaded" if loaded else "loading" if model.id in situation.arriving else "unloaded"
    status = {"value": word, "args": ["llama-server"]}
    kept = {key: value for key, value in entry.items() if loaded or key != "meta"}
    return {**kept, "aliases": [], "status": status, "source": "models_dir", "can_remove": False}


def pulled(lever: str, model: Model, situation: Situation) -> Moved | str:
    """A model is to be loaded or unloaded; or the complaint about that."""
    loaded = model.id in situation.loaded
    if lever == "load":
        if loaded or model.id in situation.arriving:
            return "model is already running"
        return Moved(reply_json({"success": True}), load=frozenset({model.id}), at_once=True)
    if not loaded:
        return "model is not running"
    return Moved(reply_json({"success": True}), unload=frozenset({model.id}))
