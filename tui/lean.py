"""Textual without what the dashboard has no use for: whoever starts it imports it from here.

`textual.types` is there for an annotation, and brings trees of files; platformdirs, to save a
picture of the screen, brings tempfile, shutil and its archives; the others, to explain what is
wrong with a stylesheet, and to show the colours of a design: 1.2 MB together.
"""

from __future__ import annotations

import importlib

from nexus.standins import fetching, stand_ins

_UNUSED: dict[str, dict[str, object]] = {
    "textual.types": {"IgnoreReturnCallbackType": None},
    "difflib": {"get_close_matches": fetching("difflib", "get_close_matches")},
    "rich.panel": {"Panel": fetching("rich.panel", "Panel")},
    "rich.table": {"Table": fetching("rich.table", "Table")},
    "platformdirs": {"user_downloads_path": fetching("platformdirs", "user_downloads_path")},
}

with stand_ins(_UNUSED):
    importlib.import_module("textual.app")

from textual.driver import Driver as Driver  # noqa: E402 - that one
