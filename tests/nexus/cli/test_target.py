import argparse
import sys
from pathlib import Path

import pytest

from nexus.cli.target import DEFAULT_URL, add_target_options, url_for
from nexus.errors import BadRequest, ConfigError


@pytest.fixture(autouse=True)
def _empty_directory(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)


def url(*words: str, **environ: str) -> str:
    parser = argparse.ArgumentParser()
    add_target_options(parser)
    return url_for(parser.parse_args(words), environ)


def test_a_flag_beats_the_variable_which_beats_the_default() -> None:
    assert url("--url", "http://a:1", NEXUS_URL="http://b:2") == "http://a:1"
    assert url(NEXUS_URL=" http://b:2 ") == "http://b:2"
    assert url(NEXUS_URL="") == DEFAULT_URL


def test_what_people_paste_is_understood() -> None:
    assert url("--url", "localhost:9000/") == "http://localhost:9000"
    assert url("--url", "https://nexus.example/gate/v1") == "https://nexus.example/gate"
    assert url("--url", "[::1]:8000") == "http://[::1]:8000"


def test_what_is_not_a_url_is_refused_by_the_name_of_its_source() -> None:
    with pytest.raises(BadRequest, match=r"^--url: "):
        url("--url", "ftp://a")
    with pytest.raises(BadRequest, match=r"^NEXUS_URL: "):
        url(NEXUS_URL="http://a:b:c")


def test_the_configuration_names_host_and_port(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "nexus.toml").write_text('[server]\nhost = "0.0.0.0"\nport = 9001\n')
    assert url() == "http://127.0.0.1:9001"
    other = tmp_path / "other.toml"
    other.write_text('[server]\nhost = "::"\nport = 9002\n')
    assert url("-c", str(other)) == "http://[::1]:9002"
    monkeypatch.setenv("NEXUS_PORT", "9003")
    assert url("-c", str(other), NEXUS_PORT="9003") == "http://[::1]:9003"


def test_a_broken_configuration_is_reported_not_guessed_around() -> None:
    with pytest.raises(ConfigError, match=r"absent\.toml"):
        url("--config", "absent.toml")


def test_without_any_configuration_pydantic_stays_out(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "nexus.config.load", None)
    assert url() == DEFAULT_URL
