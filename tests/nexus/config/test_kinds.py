from collections.abc import Callable

import pytest

from nexus.config.kinds import check_glob
from nexus.config.load import Loaded
from nexus.domain.hosts import Trust

Load = Callable[..., Loaded]
Report = Callable[..., str]


@pytest.mark.parametrize("glob", ["*", "llama3:*", "gpt-?", "[a-z]*", "[!x]y", "[[]a", "[]]", "a]"])
def test_globs_that_mean_something_are_accepted(glob: str) -> None:
    assert check_glob(glob) == glob


@pytest.mark.parametrize(
    ("glob", "sentence"),
    [
        ("", "1 to 200"),
        ("llama[", "never closed"),
        ("a[]", "never closed"),
        ("a[!]", "never closed"),
        ("[z-a]", "z-a is backwards"),
        ("a\nb", "no control characters"),
    ],
)
def test_globs_that_could_match_nothing_are_refused(glob: str, sentence: str) -> None:
    with pytest.raises(ValueError, match=r".") as caught:
        check_glob(glob)
    assert sentence in str(caught.value)


@pytest.mark.parametrize("host", ["127.0.0.1", "0.0.0.0", "::", "::1", "localhost", "gpu-1.lan"])
def test_hosts_to_listen_on(loaded: Load, host: str) -> None:
    assert loaded("", {"NEXUS_HOST": host}).config.server.host == host


@pytest.mark.parametrize("host", ["http://x", "a:b", "a b", "localhost:8000", "[::1]"])
def test_what_is_no_host_is_refused(report: Report, host: str) -> None:
    assert "NEXUS_HOST: server.host" in report("", {"NEXUS_HOST": host})


def test_service_types_get_their_trailing_dot(loaded: Load, report: Report) -> None:
    text = '[discovery]\nservice_types = ["_llm._tcp.local", "_x._udp.local."]\n'
    assert loaded(text).config.discovery.service_types == ("_llm._tcp.local.", "_x._udp.local.")
    assert "service_types[1]" in report(text.replace("_x._udp.local.", "ollama"))


@pytest.mark.parametrize(
    ("table", "entry"),
    [
        ("routing", "max_retries = -1"),
        ("routing.budget", "soft_limit_percent = 100.5"),
        ("routing.budget", "monthly_limit_usd = -1"),
        ("routing.budget", "monthly_limit_usd = inf"),
        ("routing.budget", "reconciliation_interval_secs = 0"),
        ("routing.weights", "load = -30"),
        ("health_check", "failure_threshold = 0"),
        ("health_check", "recovery_threshold = 0"),
        ("health_check", "timeout_seconds = 0"),
        ("quality", "error_rate_threshold = 0.0"),
        ("quality", "metrics_interval_seconds = 0"),
        ("queue", "max_size = -1"),
        ("lifecycle", "vram_headroom_percent = 101"),
        ("fleet", "min_sample_days = 0"),
        ("fleet", "analysis_interval_seconds = 0"),
        ("logging", 'component_levels = { routing = "loud" }'),
        ("server", "max_concurrent_requests = 0"),
    ],
)
def test_values_out_of_range_are_refused(report: Report, table: str, entry: str) -> None:
    said = report(f"[{table}]\n{entry}\n")
    assert said.startswith("1 problem")
    assert f"nexus.toml:2: {table}." in said
    assert "allowed: " in said


def test_where_to_look_is_read_and_whom_to_trust_in_any_case(loaded: Load) -> None:
    text = (
        '[discovery]\ntrust = "AUTO"\nhosts = [" gpu-01 ", "10.0.0.5:8080", "192.168.1.0/24"]\n'
        'ports = [8000]\ninterfaces = ["192.168.1.5", "fd00::5"]\n'
    )
    discovery = loaded(text).config.discovery
    assert discovery.trust is Trust.AUTO
    assert discovery.hosts == ("gpu-01", "10.0.0.5:8080", "192.168.1.0/24")
    assert discovery.ports == (8000,)
    assert discovery.interfaces == ("192.168.1.5", "fd00::5")


@pytest.mark.parametrize(
    ("line", "said"),
    [
        ('trust = "maybe"', "auto, ask, off"),
        ('hosts = ["8.8.8.0/24"]', "only private networks are scanned"),
        ('hosts = ["http://gpu"]', "no URL"),
        ('hosts = ["10.0.0.0/22", "10.0.4.0/22"]', "2044 addresses are too many"),
        ("ports = [0]", "1 to 65535"),
        ('interfaces = ["eth0"]', "an IP address of this machine"),
    ],
)
def test_what_cannot_be_looked_at_is_reported(report: Report, line: str, said: str) -> None:
    assert said in report(f"[discovery]\n{line}\n")
