from __future__ import annotations

import subprocess
import sys


def _said(code: str) -> str:
    """What a fresh Python prints."""
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    return done.stdout.strip()


def test_the_dashboard_is_launched_without_what_it_does_not_use() -> None:
    unused = "'textual.types', 'textual.widgets._tree', 'platformdirs', 'shutil', 'difflib'"
    code = f"import tui.launch, sys; print([n for n in ({unused}) if n in sys.modules])"
    assert _said(code) == "[]"


def test_what_textual_came_without_is_there_for_who_asks() -> None:
    code = "import tui.launch, textual.app, platformdirs; from textual.types import DirEntry; "
    code += "print(textual.app.user_downloads_path() == platformdirs.user_downloads_path())"
    assert _said(code) == "True"
