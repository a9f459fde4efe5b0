import subprocess
import sys

import pytest

from nexus.cli import backends, changes
from nexus.cli.main import run
from nexus.domain.backend import BackendStatus, BackendType, Zone

HEAVY = ("pydantic", "fastapi", "httpx", "textual", "rich", "asyncio", "http.client", "tomli")


@pytest.mark.parametrize("flag", ["--version", "--help"])
def test_version_and_help_import_nothing_heavy(flag: str) -> None:
    code = (
        "import sys; from nexus.__main__ import main\n"
        f"sys.argv = ['nexus', '{flag}']\n"
        "try: main()\n"
        "except SystemExit: pass\n"
        f"print([name for name in {HEAVY!r} if name in sys.modules])"
    )
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True, timeout=60
    )
    assert done.stdout.splitlines()[-1] == "[]"


def test_words_of_the_options_are_those_of_the_domain() -> None:
    assert set(backends.STATUSES) == set(BackendStatus)
    assert set(changes.TYPES) == set(BackendType)
    assert set(changes.ZONES) == set(Zone)


def test_a_wrong_status_is_a_usage_error_that_lists_the_right_ones(
    capsys: pytest.CaptureFixture[str],
) -> None:
    with pytest.raises(SystemExit) as caught:
        run(["backends", "list", "--status", "sleepy"])
    assert caught.value.code == 2
    assert "'draining'" in capsys.readouterr().err


def test_a_broken_configuration_exits_2_and_any_other_failure_1(
    capsys: pytest.CaptureFixture[str],
) -> None:
    assert run(["models", "--config", "/no/such/nexus.toml"]) == 2
    assert run(["models", "--url", "ftp://a"]) == 1
    assert capsys.readouterr().err.splitlines()[-1].startswith("Error: --url: ")
