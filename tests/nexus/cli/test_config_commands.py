import argparse
import json
from pathlib import Path

import pytest

from nexus.cli.config import register
from nexus.config.reference import example


@pytest.fixture(autouse=True)
def _quiet_machine(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """No configuration of the machine that runs the tests."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path / "none"))
    for name in ("NEXUS_CONFIG", "NEXUS_PORT", "NEXUS_HOST", "NEXUS_LOG_LEVEL"):
        monkeypatch.delenv(name, raising=False)


def nexus(*words: str) -> int:
    parser = argparse.ArgumentParser(prog="nexus")
    register(parser.add_subparsers())
    args = parser.parse_args(["config", *words])
    code: int = args.run(args)
    return code


Capture = pytest.CaptureFixture[str]


def test_init_writes_the_example_and_never_overwrites_unasked(
    tmp_path: Path, capsys: Capture
) -> None:
    path = tmp_path / "nexus.toml"
    assert nexus("init") == 0
    assert path.read_text(encoding="utf-8") == example()
    path.write_text("mine")
    assert nexus("init") == 1
    assert "exists; --force overwrites it" in capsys.readouterr().err
    assert path.read_text() == "mine"
    assert nexus("init", "--force", "--minimal") == 0
    assert "[[backends]]" in path.read_text()


def test_init_can_write_to_stdout_and_says_why_it_cannot_write(capsys: Capture) -> None:
    assert nexus("init", "-o", "-") == 0
    assert capsys.readouterr().out == example()
    assert nexus("init", "-o", "no/such/directory/nexus.toml") == 1
    assert "cannot be written: No such file or directory" in capsys.readouterr().err


def test_check_is_one_line_when_all_is_well(tmp_path: Path, capsys: Capture) -> None:
    assert nexus("check") == 0
    assert capsys.readouterr().out.startswith("No configuration file")
    (tmp_path / "nexus.toml").write_text('[[backends]]\nname = "a"\nurl = "http://a"\n')
    assert nexus("check") == 0
    assert capsys.readouterr().out == (
        "nexus.toml is valid: 1 backend, strategy smart, listening on 127.0.0.1 port 8000\n"
    )


def test_check_reports_every_problem_on_stderr_and_exits_2(tmp_path: Path, capsys: Capture) -> None:
    (tmp_path / "other.toml").write_text("[server]\nport = 0\nprot = 1\n")
    assert nexus("check", "other.toml") == 2
    said = capsys.readouterr()
    assert said.out == ""
    assert said.err.startswith("2 problems in the configuration:\n\nother.toml:2: server.port = 0")
    assert nexus("check", "--json", "-c", "other.toml") == 2
    assert [one["key"] for one in json.loads(capsys.readouterr().out)["problems"]] == [
        "server.port",
        "server.prot",
    ]


def test_check_of_a_file_that_is_not_there_exits_2(capsys: Capture) -> None:
    assert nexus("check", "-c", "absent.toml") == 2
    assert "absent.toml\n    there is no such file" in capsys.readouterr().err


def test_check_warns_of_a_key_variable_that_is_not_set(tmp_path: Path, capsys: Capture) -> None:
    (tmp_path / "nexus.toml").write_text(
        '[[backends]]\nname = "a"\nurl = "http://a"\napi_key_env = "NEXUS_TEST_NO_SUCH_KEY"\n'
    )
    assert nexus("check") == 0
    assert "warning: backend a: environment variable NEXUS_TEST_NO_SUCH_KEY" in (
        capsys.readouterr().out
    )


def test_show_names_the_layer_of_every_value(
    tmp_path: Path, capsys: Capture, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "nexus.toml").write_text(
        '[server]\nhost = "::1"\n[routing.aliases]\n"a.b" = "c"\n'
        '[routing.policies."l*"]\nprivacy = "restricted"\n'
    )
    monkeypatch.setenv("NEXUS_PORT", "9000")
    assert nexus("show", "--log-level", "debug", "--no-discovery") == 0
    lines = [line.split(maxsplit=1) for line in capsys.readouterr().out.splitlines()]
    shown = {key: " ".join(rest.split()) for key, rest in lines}
    assert shown["#"] == "file: nexus.toml"
    assert shown["server.host"] == '"::1" file'
    assert shown["server.port"] == "9000 env NEXUS_PORT"
    assert shown["logging.level"] == '"debug" flag --log-level'
    assert shown["discovery.enabled"] == "false flag --no-discovery"
    assert shown["queue.max_size"] == "100 default"
    assert shown["routing.budget.monthly_limit_usd"] == "(not set) default"
    assert shown['routing.aliases."a.b"'] == '"c" file'
    assert shown["routing.policies[0].privacy"] == '"restricted" file'
    assert shown["routing.policies[0].fallback_allowed"] == "true default"


def test_show_masks_a_password_in_a_url(tmp_path: Path, capsys: Capture) -> None:
    (tmp_path / "nexus.toml").write_text(
        '[[backends]]\nname = "a"\nurl = "http://me:hunter2@a:1"\n'
    )
    assert nexus("show") == 0
    text = capsys.readouterr().out
    assert nexus("show", "--json") == 0
    facts = capsys.readouterr().out
    assert "hunter2" not in text + facts
    assert {"key": "backends[0].url", "value": "http://***@a:1", "origin": "file"} in json.loads(
        facts
    )["settings"]


def test_show_of_a_broken_configuration_is_the_report(tmp_path: Path, capsys: Capture) -> None:
    (tmp_path / "nexus.toml").write_text("[server\n")
    assert nexus("show") == 2
    assert "this is not TOML" in capsys.readouterr().err
