import subprocess
import sys

import pytest

from nexus.cli import backends, changes, chart
from nexus.cli.index import COMMANDS
from nexus.cli.main import parser, run
from nexus.cli.tree import tree
from nexus.domain.backend import BackendStatus, BackendType, Zone
from nexus.domain.history import Metric

HEAVY = (
    *("pydantic", "fastapi", "httpx", "textual", "rich", "asyncio", "http.client", "tomli"),
    *("msgspec", "nexus.domain", "dataclasses", "inspect", "pathlib", "json", "shutil"),
)


def imported(words: list[str], names: tuple[str, ...]) -> str:
    """Which of `names` are imported at the end of a command, as a list in Python's spelling."""
    code = (
        "import sys; from nexus.__main__ import main\n"
        f"sys.argv = ['nexus', *{words!r}]\n"
        "try: main()\n"
        "except SystemExit: pass\n"
        f"print([name for name in {names!r} if name in sys.modules])"
    )
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True, timeout=60
    )
    return done.stdout.splitlines()[-1]


@pytest.mark.parametrize("words", [["--version"], ["--help"], ["models", "--help"]], ids=" ".join)
def test_version_and_help_import_nothing_heavy(words: list[str]) -> None:
    assert imported(words, HEAVY) == "[]"


@pytest.mark.parametrize("words", [["health"], ["alias"]], ids=" ".join)
def test_a_command_imports_little_more_than_it_needs_to_ask(words: list[str]) -> None:
    more = ("dataclasses", "inspect", "nexus.domain.backend", *HEAVY[:6], "msgspec")
    assert imported([*words, "--url", "http://127.0.0.1:1"], more) == "[]"


def test_every_command_is_named_as_its_module_describes_it() -> None:
    named = [(name, help) for name, help, _ in COMMANDS]
    assert [(each.name, each.help) for each in tree(parser()).commands] == named


def test_help_is_the_same_whether_the_commands_are_loaded_or_only_named() -> None:
    assert parser([]).format_help() == parser().format_help()


def test_help_is_as_wide_as_the_terminal(monkeypatch: pytest.MonkeyPatch) -> None:
    widths: list[int] = []
    for columns in ("60", "200"):
        monkeypatch.setenv("COLUMNS", columns)
        usage = parser([]).format_usage()
        widths.append(max(map(len, usage.splitlines())))

    assert widths[0] < 60 < 80 < widths[1]


def test_only_what_was_typed_is_described_in_full() -> None:
    full = [
        each.name
        for each in tree(parser(["--config", "explain", "health"])).commands
        if each.options
    ]
    assert full == ["health", "explain", "route"]  # one module has both


def test_words_of_the_options_are_those_of_the_domain() -> None:
    assert set(backends.STATUSES) == set(BackendStatus)
    assert set(changes.TYPES) == set(BackendType)
    assert set(changes.ZONES) == set(Zone)
    assert set(chart.UNITS) == set(Metric)
    assert set(Metric) >= chart.SUMS


def test_a_wrong_status_is_a_usage_error_that_lists_the_right_ones(
    capsys: pytest.CaptureFixture[str],
) -> None:
    with pytest.raises(SystemExit) as caught:
        run(["backends", "list", "--status", "sleepy"])
    assert caught.value.code == 2
    assert "'draining'" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("words", "meant"),
    [
        (["modles"], "models"),
        (["backends", "dran", "gpu-1"], "drain"),
        (["routing", "set", "--strategy", "rand"], "random"),
    ],
)
def test_a_word_that_is_nearly_right_is_told_what_it_may_have_been(
    words: list[str], meant: str, capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(SystemExit) as caught:
        run(words)
    assert caught.value.code == 2
    assert capsys.readouterr().err.endswith(f"Did you mean '{meant}'?\n")


def test_a_broken_configuration_exits_2_and_any_other_failure_1(
    capsys: pytest.CaptureFixture[str],
) -> None:
    assert run(["models", "--config", "/no/such/nexus.toml"]) == 2
    assert run(["models", "--url", "ftp://a"]) == 1
    assert capsys.readouterr().err.splitlines()[-1].startswith("Error: --url: ")
