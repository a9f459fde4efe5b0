"""uvicorn without its command line and its supervisors: whoever starts it imports it from here.

They bring click and multiprocessing, 1.5 MB, and nobody here has a use for them.
"""

from __future__ import annotations

import importlib
import sys
from types import ModuleType


def _run(*args: object, **options: object) -> object:
    """`uvicorn.run`, for whoever asks for it after all."""
    return importlib.import_module("uvicorn.main").run(*args, **options)


def _load() -> None:
    """Import uvicorn, unless somebody has."""
    if "uvicorn" in sys.modules:
        return
    hidden = ModuleType("uvicorn.main")
    vars(hidden).update(Server=None, main=_run, run=_run)
    sys.modules[hidden.__name__] = hidden
    try:
        uvicorn = importlib.import_module("uvicorn")
        vars(uvicorn)["Server"] = importlib.import_module("uvicorn.server").Server
    finally:
        del sys.modules[hidden.__name__]


_load()

import uvicorn as uvicorn  # noqa: E402 - that one
