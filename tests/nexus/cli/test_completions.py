import shutil
import subprocess
from pathlib import Path

import pytest

from nexus.cli.completions import script
from nexus.cli.main import parser

SHELLS = ("bash", "zsh", "fish", "powershell", "elvish")


@pytest.mark.parametrize("shell", SHELLS)
def test_every_script_knows_every_command_and_option(shell: str) -> None:
    text = script(shell, parser())
    for word in ("undrain", "completions", "backends list", "config show", "elvish", "restricted"):
        assert word in text
    for name in ("--api-key-env", "--no-tui", "--minimal"):
        assert (name if shell != "fish" else f"-l {name[2:]}") in text


@pytest.mark.parametrize("shell", ["bash", "zsh", "fish"])
def test_shells_of_this_machine_can_read_the_script(shell: str, tmp_path: Path) -> None:
    if shutil.which(shell) is None:
        pytest.skip(f"no {shell} here")
    path = tmp_path / "nexus"
    path.write_text(script(shell, parser()))
    subprocess.run([shell, "-n", str(path)], check=True, timeout=30)


@pytest.mark.parametrize(
    ("typed", "offered"),
    [
        (("ba",), {"backends"}),
        (
            ("backends", ""),
            {
                *("list", "add", "edit", "remove", "drain", "undrain", "check"),
                *("waiting", "approve", "dismiss"),
            },
        ),
        (("backends", "-"), {"--json", "--url"}),
        (("health", ""), {"--json", "--url"}),
        (("-p", "9000", "backends", "li"), {"list"}),
        (("--config", "models", "hea"), {"health"}),
        (("backends", "list", "--status", "un"), {"unhealthy", "unknown"}),
        (("completions", "e"), {"elvish"}),
        (("config", "check", "nex"), {"nexus.toml"}),
        (("-c", "nex"), {"nexus.toml"}),
        (("--url", "-"), {"--version"}),
    ],
)
def test_bash_offers_what_can_stand_next(
    typed: tuple[str, ...], offered: set[str], tmp_path: Path
) -> None:
    if shutil.which("bash") is None:
        pytest.skip("no bash here")
    (tmp_path / "nexus.toml").touch()
    (tmp_path / "script").write_text(script("bash", parser()))
    code = (
        'source ./script; COMP_WORDS=("$@"); COMP_CWORD=$(($#-1)); _nexus; echo "${COMPREPLY[*]}"'
    )
    done = subprocess.run(
        ["bash", "-c", code, "bash", "nexus", *typed],
        cwd=tmp_path,
        capture_output=True,
        text=True,
        check=True,
        timeout=30,
    )
    words = set(done.stdout.split())
    if typed[-1]:
        assert all(word.startswith(typed[-1]) for word in words)
    assert offered <= words
    assert typed != ("backends", "") or offered == words
