"""uvicorn without what nobody here has a use for: whoever starts it imports it from here.

Its command line and its supervisors bring click and multiprocessing, 1.5 MB; how it would configure
logging and write dates, another 1.3 MB of the standard library. While it is imported it meets
stand-ins that fetch the real thing when somebody calls.
"""

from __future__ import annotations

import importlib
import sys
from types import ModuleType


class _StandIn(ModuleType):
    """A module by name: what it has not, the real one has."""

    def __getattr__(self, name: str) -> object:
        if name.startswith("__"):
            raise AttributeError(name)
        if sys.modules.get(self.__name__) is self:
            del sys.modules[self.__name__]
        return getattr(importlib.import_module(self.__name__), name)


def _run(*args: object, **options: object) -> object:
    """`uvicorn.run`, for whoever asks for it after all."""
    importlib.import_module("logging.config")
    return importlib.import_module("uvicorn.main").run(*args, **options)


def _formatdate(*args: object, **options: object) -> object:
    """`email.utils.formatdate`; our server sends no date header."""
    return importlib.import_module("email.utils").formatdate(*args, **options)


_STAND_INS: dict[str, dict[str, object]] = {
    "uvicorn.main": {"Server": None, "main": _run, "run": _run},
    "logging.config": {},
    "configparser": {"RawConfigParser": None},  # in an annotation
    "email.utils": {"formatdate": _formatdate},
}


def _load() -> None:
    """Import uvicorn, unless somebody has."""
    if "uvicorn" in sys.modules:
        return
    stand_ins = {name: _StandIn(name) for name in _STAND_INS if name not in sys.modules}
    for name, module in stand_ins.items():
        vars(module).update(_STAND_INS[name])
    sys.modules.update(stand_ins)
    try:
        uvicorn = importlib.import_module("uvicorn")
        vars(uvicorn)["Server"] = importlib.import_module("uvicorn.server").Server
    finally:
        for name, module in stand_ins.items():
            if sys.modules.get(name) is module:
                del sys.modules[name]


_load()

import uvicorn as uvicorn  # noqa: E402 - that one
