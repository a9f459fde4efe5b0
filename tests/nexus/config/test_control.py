"""Who may use the control API, as a configuration says it."""

from __future__ import annotations

import hashlib
from pathlib import Path

import pytest
from pydantic import ValidationError

from nexus.config.control import ControlConfig
from nexus.config.load import load
from nexus.config.settings import NexusConfig
from nexus.domain.access import Access, Role
from nexus.errors import ConfigError

KEY = "sixteen or more characters"
DIGEST = hashlib.sha256(KEY.encode()).digest()


def access(environ: dict[str, str] | None = None, **control: object) -> tuple[Access, list[str]]:
    warned: list[str] = []
    config = ControlConfig.model_validate(control)
    return config.access(environ or {}, warned.append), warned


def test_by_default_this_machine_may_everything_and_there_are_no_keys() -> None:
    assert NexusConfig().control.access({}) == Access()


def test_a_key_comes_from_the_environment_or_as_its_hash() -> None:
    keys = [
        {"name": "maria", "role": "Operator", "key_env": "THE_KEY"},
        {"name": "wall", "sha256": DIGEST.hex().upper()},
    ]
    found, warned = access({"THE_KEY": f" {KEY}\n"}, keys=keys)

    assert [(key.name, key.role, key.digest) for key in found.keys] == [
        ("maria", Role.OPERATOR, DIGEST),
        ("wall", Role.VIEWER, DIGEST),
    ]
    assert found.local is None
    assert found.guarded
    assert not warned


def test_two_keys_may_open_for_one_name_while_one_takes_over_from_the_other() -> None:
    both = {"name": "maria", "sha256": "00" * 32, "key_env": "K"}
    found, _ = access({"K": KEY}, keys=[both])

    assert [(key.name, key.digest) for key in found.keys] == [
        ("maria", bytes(32)),
        ("maria", DIGEST),
    ]


@pytest.mark.parametrize(
    ("environ", "said"), [({}, "is not set"), ({"K": ""}, "is not set"), ({"K": "short"}, "fewer")]
)
def test_a_key_that_is_missing_or_guessable_opens_nothing_and_says_so(
    environ: dict[str, str], said: str
) -> None:
    found, warned = access(environ, keys=[{"name": "maria", "key_env": "K"}])

    assert found.keys == ()
    assert found.guarded
    assert found.local is None
    assert len(warned) == 1
    assert said in warned[0]
    assert "short" not in warned[0].replace("shorter", "")


@pytest.mark.parametrize(
    ("word", "role"), [("none", None), ("viewer", Role.VIEWER), ("ADMIN", Role.ADMIN)]
)
def test_this_machine_may_what_is_said_with_keys_or_without(word: str, role: Role | None) -> None:
    assert access(local=word)[0].local is role
    assert access(local=word, keys=[{"name": "x", "sha256": DIGEST.hex()}])[0].local is role


@pytest.mark.parametrize(
    "wrong",
    [
        {"keys": [{"name": "x"}]},
        {"keys": [{"name": "x", "sha256": "abc"}]},
        {"keys": [{"name": "x", "sha256": DIGEST.hex(), "role": "god"}]},
        {"keys": [{"name": "x", "key": KEY}]},
        {"keys": [{"name": "x", "sha256": DIGEST.hex(), "created": "yesterday"}]},
        {"keys": [{"name": "x", "sha256": DIGEST.hex(), "created": 5}]},
        {"local": "everybody"},
        {"hosts": ["http://x"]},
    ],
)
def test_what_makes_no_sense_is_refused(wrong: dict[str, object]) -> None:
    with pytest.raises(ValidationError):
        ControlConfig.model_validate(wrong)


def test_a_key_is_in_no_text_of_what_is_kept() -> None:
    found, _ = access({"K": KEY}, keys=[{"name": "maria", "key_env": "K"}])

    assert KEY not in repr(found)
    assert DIGEST.hex() not in repr(found)


@pytest.mark.parametrize(
    "said", ["2026-11-24T13:00:00+01:00", "2026-11-24 12:00:00", '"2026-11-24T12:00:00Z"']
)
def test_when_a_key_was_made_may_be_text_or_a_time_of_toml(tmp_path: Path, said: str) -> None:
    file = tmp_path / "nexus.toml"
    file.write_text(f'[[control.keys]]\nname = "x"\nsha256 = "{DIGEST.hex()}"\ncreated = {said}\n')
    (key,) = load(file, {}, {}, explicit=True).config.control.keys

    assert key.created == "2026-11-24T12:00:00Z"


def test_a_key_put_where_its_variable_belongs_is_not_printed(tmp_path: Path) -> None:
    file = tmp_path / "nexus.toml"
    file.write_text('[[control.keys]]\nname = "x"\nkey_env = "sk-secret-12345"\n')
    with pytest.raises(ConfigError) as refused:
        load(file, {}, {}, explicit=True)

    assert "sk-secret" not in refused.value.message + repr(refused.value.context)
    assert "key_env" in refused.value.message
