"""uvicorn without what nobody here has a use for: whoever starts it imports it from here.

Its command line and its supervisors bring click and multiprocessing, 1.5 MB; how it would configure
logging and write dates, another 1.3 MB of the standard library.
"""

from __future__ import annotations

import importlib
import sys

from nexus.standins import fetching, stand_ins


def _run(*args: object, **options: object) -> object:
    """`uvicorn.run`, for whoever asks for it after all."""
    importlib.import_module("logging.config")
    return importlib.import_module("uvicorn.main").run(*args, **options)


def _load() -> None:
    """Import uvicorn, unless somebody has."""
    if "uvicorn" in sys.modules:
        return
    unused: dict[str, dict[str, object]] = {
        "uvicorn.main": {"Server": None, "main": _run, "run": _run},
        "logging.config": {},
        "configparser": {"RawConfigParser": None},  # in an annotation
        "email.utils": {"formatdate": fetching("email.utils", "formatdate")},
    }
    with stand_ins(unused):
        uvicorn = importlib.import_module("uvicorn")
        vars(uvicorn)["Server"] = importlib.import_module("uvicorn.server").Server


_load()

import uvicorn as uvicorn  # noqa: E402 - that one
