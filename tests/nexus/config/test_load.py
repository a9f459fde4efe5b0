import os
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from nexus.config.load import Loaded, load
from nexus.domain.backend import Zone
from nexus.domain.policy import Strategy
from nexus.errors import ConfigError

Load = Callable[..., Loaded]
Report = Callable[..., str]

SIX_MISTAKES = """\
[server]
port = 99999
prot = 8000

[routing]
strategy = "Smrt"
weights = { priority = 50, load = 30, latency = 30 }

[[backends]]
name = "gpu-01"
url = "localhost"
tier = 0
"""


def test_one_report_holds_every_mistake_with_file_line_key_value_and_what_is_allowed(
    report: Report,
) -> None:
    assert (
        report(SIX_MISTAKES)
        == """\
6 problems in the configuration:

nexus.toml:2: server.port = 99999
    allowed: a whole number, 1 to 65535

nexus.toml:3: server.prot
    unknown key; did you mean port?

nexus.toml:6: routing.strategy = "Smrt"
    allowed: smart, round_robin, priority_only, random, least_pending, power_of_two; did you mean smart?

nexus.toml:7: routing.weights
    weights are percent and must sum to 100; priority 50 + load 30 + latency 30 is 110

nexus.toml:11: backends[0].url = "localhost"
    a URL starts with http:// or https://, for example http://localhost

nexus.toml:12: backends[0].tier = 0
    allowed: a whole number, 1 to 5"""
    )


def test_an_empty_file_gives_the_safe_defaults(loaded: Load) -> None:
    config = loaded("").config
    assert (config.server.host, config.server.port, config.server.max_body_mb) == (
        "127.0.0.1",
        8000,
        50,
    )
    assert config.routing.strategy is Strategy.SMART
    assert config.faces() == ()


def test_each_layer_wins_over_those_below_it_and_is_named_as_the_origin(loaded: Load) -> None:
    text = '[server]\nport = 8001\nhost = "::1"\n[logging]\nlevel = "error"\n'
    result = loaded(
        text,
        {"NEXUS_PORT": "9000", "NEXUS_LOG_LEVEL": "Debug"},
        {"server.port": 9001, "server.host": None},
    )
    assert result.config.server.port == 9001
    assert result.config.server.host == "::1"
    assert result.config.logging.level == "debug"
    assert result.origins == {
        "server.port": "flag --port",
        "server.host": "file",
        "logging.level": "env NEXUS_LOG_LEVEL",
    }


@pytest.mark.parametrize(
    ("text", "value"),
    [
        *[(word, True) for word in ("true", "1", "YES", "on")],
        *[(word, False) for word in ("False", "0", "no", " off ")],
    ],
)
def test_switches_in_the_environment_are_read_as_people_write_them(
    loaded: Load, text: str, value: bool
) -> None:
    assert loaded("", {"NEXUS_DISCOVERY": text}).config.discovery.enabled is value


def test_every_variable_reaches_its_key(loaded: Load) -> None:
    config = loaded(
        "",
        {
            "NEXUS_HOST": "0.0.0.0",
            "NEXUS_PORT": "81",
            "NEXUS_LOG_LEVEL": "WARN",
            "NEXUS_LOG_FORMAT": "json",
            "NEXUS_DISCOVERY": "no",
            "NEXUS_HEALTH_CHECK": "no",
            "NEXUS_ROUTING_STRATEGY": "Round_Robin",
            "NEXUS_ROUTING_MAX_RETRIES": "0",
        },
    ).config
    assert (config.server.host, config.server.port) == ("0.0.0.0", 81)
    assert (config.logging.level, config.logging.format) == ("warn", "json")
    assert (config.discovery.enabled, config.health_check.enabled) == (False, False)
    assert (config.routing.strategy, config.routing.max_retries) == (Strategy.ROUND_ROBIN, 0)


def test_an_empty_variable_counts_as_unset(loaded: Load) -> None:
    assert loaded("[server]\nport = 8001\n", {"NEXUS_PORT": " "}).config.server.port == 8001


def test_a_bad_variable_or_flag_is_named(report: Report) -> None:
    said = report(
        "",
        {"NEXUS_PORT": "http", "NEXUS_HEALTH_CHECK": "maybe"},
        logging__level="loud",
    )
    assert 'NEXUS_PORT: server.port = "http"\n    allowed: a whole number, 1 to 65535' in said
    assert "true or false (or 1/0, yes/no, on/off)" in said
    assert '--log-level: logging.level = "loud"' in said


def test_the_port_that_kubernetes_injects_is_explained(report: Report) -> None:
    assert "enableServiceLinks" in report("", {"NEXUS_PORT": "tcp://10.0.0.1:8000"})


def test_words_are_read_in_any_case(loaded: Load) -> None:
    config = loaded(
        '[routing]\nstrategy = "Priority_Only"\n[[backends]]\nname = "a"\nurl = "http://a"\n'
        'type = "vLLM"\nzone = "Open"\n'
    ).config
    assert config.routing.strategy is Strategy.PRIORITY_ONLY
    assert config.faces()[0].zone is Zone.OPEN


def test_types_are_not_guessed(report: Report) -> None:
    said = report(
        '[server]\nport = "8000"\nmax_body_mb = true\nidle_timeout_seconds = nan\n'
        "[discovery]\nenabled = 1\n[health_check]\ninterval_seconds = 0\n"
    )
    assert 'server.port = "8000"' in said
    assert "server.max_body_mb = true" in said
    assert "server.idle_timeout_seconds = nan" in said
    assert "discovery.enabled = 1\n    allowed: true or false" in said
    assert "health_check.interval_seconds = 0\n    allowed: a number, 1 to 86400" in said


def test_a_section_that_is_not_a_table_does_not_hide_other_mistakes(report: Report) -> None:
    said = report('server = 3\nrouting = "x"\n[backends]\na = 1\n', {"NEXUS_PORT": "1"})
    assert "nexus.toml:1: server = 3\n    allowed: a table" in said
    assert 'routing = "x"' in said
    assert "backends = a table\n    allowed: [[backends]] entries" in said


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        ("[sever]\nport = 1\n", "sever\n    unknown key; did you mean server?"),
        ("[server]\nstrategy = 1\n", "did you mean routing.strategy?"),
        ("[queue]\nmax_queue_size = 1\n", "did you mean queue.max_size?"),
        ("[server]\nxyz = 1\n", "[server] knows host, port"),
        ("xyz = 1\n", "the file knows server, control, backends"),
        ('[[backends]]\nbackend_type = "vllm"\n', "did you mean type?"),
        ('[[backends]]\nprivacy = "open"\n', "did you mean zone?"),
        ("[routing.budget]\nmonthly-limit-usd = 1\n", "did you mean monthly_limit_usd?"),
        ('[routing.policies."a*"]\nmin_teir = 1\n', "did you mean min_tier?"),
    ],
)
def test_an_unknown_key_says_what_was_probably_meant(
    report: Report, text: str, sentence: str
) -> None:
    assert sentence in report(text)


def test_a_key_written_into_the_file_is_not_repeated_on_the_screen(report: Report) -> None:
    said = report(
        '[[backends]]\nname = "a"\nurl = "http://me:hunter2@a b"\napi_key = "sk-hunter2"\n'
        'api_key_env = "sk-hunter2"\n'
    )
    assert "hunter2" not in said
    assert "put the key in an environment variable" in said
    assert "never the key itself" in said


def test_hostile_text_is_escaped_in_the_report(report: Report) -> None:
    said = report('[routing]\nstrategy = "\\u001b[2J\\u202e"\n"\\u001bkey" = 1\n')
    assert "\x1b" not in said
    assert "\u202e" not in said


def test_both_forms_of_policies_mean_the_same(loaded: Load) -> None:
    array = '[[routing.policies]]\nmodel_pattern = "a*"\nprivacy = "restricted"\n'
    table = '[routing.policies."a*"]\nprivacy = "restricted"\n'
    assert loaded(array).config.routing.policies == loaded(table).config.routing.policies


def test_a_mistake_in_a_policy_table_is_found_by_its_glob(report: Report) -> None:
    said = report('[routing.policies."llama["]\nmin_tier = 6\n')
    assert 'nexus.toml:2: routing.policies."llama[".min_tier = 6' in said
    assert "never closed" in said


def test_broken_toml_shows_the_line_and_other_layers_are_still_checked(report: Report) -> None:
    said = report("[server]\nport = = 3\n", {"NEXUS_PORT": "x"})
    assert "nexus.toml:2\n    port = = 3\n           ^\n    this is not TOML: Invalid value" in said
    assert "NEXUS_PORT" in said


@pytest.mark.parametrize(
    ("data", "sentence"),
    [
        (b"\xff\xfe", "is not UTF-8 text (byte 1)"),
        (b"a = " + b"[" * 5000, "nested too deeply"),
        (b"a." * 5000 + b"a = 1", "nested too deeply"),
        (b"a" + b".a" * 900 + b" = 1", "unknown key"),
        (b"backends = " + b"[" * 300 + b"]" * 300, "[[backends]] entries"),
        (b"x = 1\x00", "this is not TOML"),
    ],
)
def test_a_file_that_is_no_configuration_is_refused_in_a_sentence(
    tmp_path: Path, data: bytes, sentence: str
) -> None:
    path = tmp_path / "nexus.toml"
    path.write_bytes(data)
    with pytest.raises(ConfigError) as caught:
        load(path, {}, {})
    assert sentence in caught.value.message


def test_a_byte_order_mark_and_windows_line_ends_are_fine(tmp_path: Path) -> None:
    path = tmp_path / "nexus.toml"
    path.write_bytes(b"\xef\xbb\xbf[server]\r\nport = 8001\r\n")
    assert load(path, {}, {}).config.server.port == 8001


def test_a_named_file_must_exist_and_a_default_one_need_not(tmp_path: Path) -> None:
    absent = tmp_path / "absent.toml"
    with pytest.raises(ConfigError, match="no such file"):
        load(absent, {}, {}, explicit=True)
    with pytest.raises(ConfigError, match=r"no such file \(named by NEXUS_CONFIG\)"):
        load(None, {"NEXUS_CONFIG": str(absent)}, {})
    assert load(absent, {}, {}).path is None


def test_a_directory_is_not_a_file(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="cannot be read"):
        load(tmp_path, {}, {}, explicit=True)


def test_the_file_is_looked_for_here_then_in_the_configuration_directory(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "here").mkdir()
    (tmp_path / "home" / ".config" / "nexus").mkdir(parents=True)
    (tmp_path / "home" / ".config" / "nexus" / "nexus.toml").write_text("[server]\nport = 1\n")
    (tmp_path / "named.toml").write_text("[server]\nport = 3\n")
    monkeypatch.chdir(tmp_path / "here")
    environ = {"HOME": str(tmp_path / "home")}
    assert load(None, {}, {}).path is None
    assert load(None, environ, {}).config.server.port == 1
    (tmp_path / "here" / "nexus.toml").write_text("[server]\nport = 2\n")
    assert load(None, environ, {}).config.server.port == 2
    named = {**environ, "NEXUS_CONFIG": os.path.join(tmp_path, "named.toml")}
    assert load(None, named, {}).config.server.port == 3


def test_the_report_is_also_there_for_machines(tmp_path: Path) -> None:
    path = tmp_path / "nexus.toml"
    path.write_text("[server]\nport = 0\n")
    with pytest.raises(ConfigError) as caught:
        load(path, {}, {})
    assert caught.value.context == {
        "problems": [
            {
                "where": f"{path}:2",
                "key": "server.port",
                "found": "0",
                "allowed": "a whole number, 1 to 65535",
            }
        ]
    }


_TOML_VALUES = st.recursive(
    st.one_of(st.booleans(), st.integers(-5, 5).map(str), st.just("nan"), st.just('"x"')).map(str),
    lambda inner: st.lists(inner, max_size=3).map(lambda items: f"[{', '.join(items)}]"),
    max_leaves=4,
)
_KEYS = st.sampled_from(
    [
        "server",
        "server.port",
        "routing.policies",
        "routing.aliases",
        "routing.aliases.a",
        "routing.fallbacks.a",
        "routing.weights.load",
        "backends",
        "logging.component_levels",
        "discovery.service_types",
        "x",
    ]
)


@settings(max_examples=150, deadline=None)
@given(st.dictionaries(_KEYS, _TOML_VALUES, max_size=4))
def test_any_shape_of_file_loads_or_is_reported(
    tmp_path_factory: pytest.TempPathFactory, entries: dict[str, str]
) -> None:
    path = tmp_path_factory.getbasetemp() / "any.toml"
    text = "\n".join(f"{key} = {value}" for key, value in entries.items())
    path.write_text(text.replace("False", "false").replace("True", "true"))
    with suppress(ConfigError):
        load(path, {}, {})
