from __future__ import annotations

import subprocess
import sys


def _said(code: str) -> str:
    """What a fresh Python prints."""
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    return done.stdout.strip()


def test_the_configuration_is_loaded_without_how_python_was_built() -> None:
    code = "import nexus.config.load, sys; "
    code += "print([name for name in sys.modules if name.startswith('_sysconfigdata')])"
    assert _said(code) == "[]"


def test_who_asks_how_python_was_built_is_told() -> None:
    code = "import nexus.config.load, sysconfig, zoneinfo; early = sysconfig; "
    code += "told = early.get_config_var('VERSION'), early.get_paths()['stdlib']; "
    code += "import sysconfig; "
    code += "print(told == (sysconfig.get_config_var('VERSION'), sysconfig.get_paths()['stdlib']), "
    code += "early is sysconfig, bool(zoneinfo.TZPATH))"
    assert _said(code).startswith("True False True" if sys.platform != "win32" else "True True")
