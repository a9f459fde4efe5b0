from collections.abc import Callable

import pytest

from nexus.config.advice import warnings
from nexus.config.load import Loaded

Load = Callable[..., Loaded]
CLOUD = '[[backends]]\nname = "c"\nurl = "https://x"\napi_key_env = "X_KEY"\n'


def test_an_unset_key_variable_is_worth_a_warning(loaded: Load) -> None:
    sentence = "backend c: environment variable X_KEY is not set"
    assert warnings(loaded(CLOUD), {}) == (sentence,)
    assert warnings(loaded(CLOUD), {"X_KEY": ""}) == (sentence,)
    assert warnings(loaded(CLOUD), {"X_KEY": "k"}) == ()


def test_a_key_without_effect_is_said_to_have_none(
    loaded: Load, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("nexus.config.planned.PLANNED", ("queue", "routing.policies[]"))
    text = '[queue]\nmax_size = 1\nenabled = true\n[routing.policies."a*"]\nmin_tier = 2\n'
    assert warnings(loaded(text), {}) == (
        "queue is set, and has no effect yet",
        "routing.policies is set, and has no effect yet",
    )


@pytest.mark.parametrize(
    ("earlier", "later", "hidden"),
    [
        ("*", "llama*", True),
        ("llama*", "llama3*", True),
        ("llama*", "*", False),
        ("llama?", "llama*", False),
        ("llama*", "llama[3]", False),
    ],
)
def test_a_policy_that_an_earlier_one_always_speaks_for_is_worth_a_warning(
    loaded: Load, earlier: str, later: str, hidden: bool
) -> None:
    text = "".join(
        f'[[routing.policies]]\nmodel_pattern = "{each}"\nmin_tier = 2\n'
        for each in (earlier, later)
    )
    said = warnings(loaded(text), {})
    assert [each.startswith("routing.policies[1]") for each in said] == [True] * hidden
    assert warnings(loaded(text + 'tenants = "acme"\n'), {}) == ()
