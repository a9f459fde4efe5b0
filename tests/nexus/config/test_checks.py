from collections.abc import Callable

import pytest

from nexus.config.load import Loaded

Load = Callable[..., Loaded]
Report = Callable[..., str]


def backend(name: str, url: str, more: str = "") -> str:
    return f'[[backends]]\nname = "{name}"\nurl = "{url}"\n{more}\n'


def test_weights_given_in_part_are_completed_by_the_defaults_before_they_are_summed(
    loaded: Load, report: Report
) -> None:
    assert "priority 60 + load 30 + latency 20 is 110" in report(
        "[routing.weights]\npriority = 60\n"
    )
    assert loaded("[routing.weights]\npriority = 60\nload = 20\n").config.routing.weights.load == 20


def test_a_circle_of_aliases_is_reported_once(report: Report) -> None:
    said = report('[routing.aliases]\na = "b"\nb = "c"\nc = "a"\nz = "a"\n')
    assert said.startswith("1 problem")
    assert "circular alias: a -> b -> c -> a" in said


def test_a_model_may_not_be_its_own_alias_or_fallback(report: Report) -> None:
    said = report('[routing.aliases]\na = "a"\n[routing.fallbacks]\nm = ["x", "m"]\n')
    assert "circular alias: a -> a" in said
    assert "a model cannot be its own fallback" in said


def test_aliases_may_hop_three_times_and_not_four(loaded: Load, report: Report) -> None:
    three = '[routing.aliases]\na = "b"\nb = "c"\nc = "d"\n'
    assert loaded(three).config.routing.aliases["a"] == "b"
    assert "a -> b -> c -> d -> e is 4; point it at e directly" in report(three + 'd = "e"\n')


def test_aliases_are_trimmed_and_an_empty_target_is_no_alias(loaded: Load) -> None:
    aliases = loaded('[routing.aliases]\n" a " = " b "\nc = ""\n').config.routing.aliases
    assert aliases == {"a": "b"}


def test_a_fallback_named_twice_is_a_mistake(report: Report) -> None:
    assert '"x" is named twice' in report('[routing.fallbacks]\nm = ["x", "y", "x"]\n')


def test_a_second_policy_for_the_same_pattern_would_never_apply(report: Report) -> None:
    one = '[[routing.policies]]\nmodel_pattern = "a*"\n'
    assert "routing.policies[0] has the same pattern" in report(one + one)


def test_policies_with_conditions_differ_by_those_too(loaded: Load, report: Report) -> None:
    one = '[[routing.policies]]\nmodel_pattern = "a*"\nmin_tier = 2\n'
    assert len(loaded(one + one + 'tenants = "acme"\n').config.routing.policies) == 2
    twice = one + 'tenants = ["acme"]\n'
    assert "routing.policies[0] binds the same requests" in report(twice + twice)


def test_a_header_that_clients_send_cannot_loosen(loaded: Load, report: Report) -> None:
    rule = '[[routing.policies]]\nmodel_pattern = "*"\nprivacy = "Unrestricted"\n'
    assert "a client could loosen its privacy" in report(rule + 'headers = { "X-Team" = "*" }\n')
    assert loaded(rule + 'tenants = "acme"\n').config.routing.policies[0].tenants == ("acme",)


def test_a_condition_without_a_wish_is_a_mistake(report: Report) -> None:
    rule = '[[routing.policies]]\nmodel_pattern = "*"\nendpoints = "embeddings"\n'
    assert "binds requests and asks nothing of them" in report(rule)


def test_keys_of_clients_are_not_for_policies_to_read(report: Report) -> None:
    rule = '[[routing.policies]]\nmodel_pattern = "*"\nmin_tier = 2\n'
    assert "name the tenant instead" in report(rule + 'headers = { "Authorization" = "*" }\n')


def test_backends_must_differ_in_name_and_in_server(report: Report) -> None:
    said = report(
        backend("gpu-01", "http://gpu:80/v1")
        + backend("GPU 01", "http://other")
        + backend("gpu-01", "http://third")
        + backend("gpu-02", "HTTP://GPU/")
    )
    assert "nearly the same name (gpu-01)" in said
    assert "backends[0] has the same name" in said
    assert 'backends[0] ("gpu-01") is the same server' in said


@pytest.mark.parametrize(
    ("kind", "url"),
    [("openai", "https://api.openai.com/v1"), ("Anthropic", "https://API.anthropic.com")],
)
def test_a_paid_service_needs_the_name_of_a_key_variable(
    report: Report, kind: str, url: str
) -> None:
    assert "api_key_env\n    is missing" in report(backend("c", url, f'type = "{kind}"'))


def test_an_openai_compatible_server_of_ones_own_needs_no_key(loaded: Load) -> None:
    text = backend("c", "http://localhost:9999/v1", 'type = "openai"')
    assert loaded(text).config.backends[0].api_key_env is None


def test_a_key_variable_that_is_not_set_is_no_mistake(loaded: Load) -> None:
    text = backend("c", "https://api.openai.com", 'type = "openai"\napi_key_env = "OPENAI_API_KEY"')
    assert loaded(text, {}).config.faces()[0].api_key_env == "OPENAI_API_KEY"


def test_rules_of_the_whole_file_run_beside_malformed_values(report: Report) -> None:
    said = report("[server]\nport = 0\n" + backend("a", "http://a") + backend("b", "http://a"))
    assert "server.port = 0" in said
    assert "is the same server" in said
