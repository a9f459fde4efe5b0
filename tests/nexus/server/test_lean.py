from __future__ import annotations

import subprocess
import sys

IMPORT = "import nexus.server.lean, sys; import uvicorn; "


def _said(code: str) -> str:
    """What a fresh Python prints."""
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    return done.stdout.strip()


def test_uvicorn_comes_without_what_nobody_uses() -> None:
    unused = "'click', 'multiprocessing', 'logging.config', 'configparser', 'email.utils'"
    assert _said(IMPORT + f"print([name for name in ({unused}) if name in sys.modules])") == "[]"


def test_what_uvicorn_came_without_is_there_for_who_asks() -> None:
    asks = "import configparser, logging.config, email.utils; "
    asks += "print(configparser.RawConfigParser().sections(), logging.config.dictConfig.__name__, "
    asks += "uvicorn.server.formatdate(0, usegmt=True) == email.utils.formatdate(0, usegmt=True))"
    assert _said(IMPORT + asks) == "[] dictConfig True"
