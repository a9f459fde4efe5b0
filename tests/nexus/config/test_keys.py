"""Entries of `[[control.keys]]`, added and taken away without touching anything else."""

from __future__ import annotations

import pytest
import tomli
from hypothesis import given
from hypothesis import strategies as st

from nexus.config.control import ControlConfig
from nexus.config.keys import seen, version, with_key, without_key
from nexus.domain.access import Role
from nexus.domain.keys import KeySeen

DIGEST = "ab" * 32
CREATED = "2026-11-24T12:00:00Z"
ENTRY = f"""\
[[control.keys]]
name = "ci"
role = "viewer"
sha256 = "{DIGEST}"
created = "{CREATED}"
"""


def added(text: str, name: str = "ci") -> str:
    return with_key(text, name, Role.VIEWER, DIGEST, CREATED)


def names(text: str) -> list[str]:
    return [each["name"] for each in tomli.loads(text).get("control", {}).get("keys", [])]


TEXTS = {
    "nothing": "",
    "comments": "# mine\n",
    "another table": "[server]\nport = 1\n",
    "control": '[control]\nlocal = "viewer"\n\n# about routing\n[routing]\nmax_retries = 1\n',
    "keys": '# maria\n[[control.keys]]\nname = "m"\nkey_env = "M"\n\n# about routing\n[routing]\n',
    "keys at the end": '[[control.keys]]\nname = "m"\nkey_env = "M"\n',
    "dotted": 'control.local = "viewer"\n',
    "inline": '[control]\nkeys = [{name = "m", key_env = "M"}]\n[routing]\n',
}


@pytest.mark.parametrize("text", TEXTS.values(), ids=TEXTS)
def test_what_was_added_can_be_taken_away_and_nothing_else_has_moved(text: str) -> None:
    new = added(text)

    assert names(new)[-1] == "ci"
    assert without_key(new, "ci") == text


@pytest.mark.parametrize(
    "text", ["[control]\nkeys = []\n", 'control = {local = "viewer"}\n', "x = 1 # no newline"]
)
def test_a_key_can_be_added_however_the_file_is_written(text: str) -> None:
    assert names(added(text)) == ["ci"]
    assert names(without_key(added(text), "ci")) == []


def test_an_entry_stands_behind_the_others_and_above_the_comment_of_what_follows() -> None:
    assert added(TEXTS["keys"]) == TEXTS["keys"].replace(
        "\n# about routing", f"\n{ENTRY}\n# about routing"
    )


def test_a_comment_right_above_an_entry_goes_with_it_and_the_others_stay() -> None:
    text = (
        "# the file\n\n# maria's\n[[control.keys]]\n"
        'name = "m"\nkey_env = "M"\n\n# of the wall\n[[control.keys]]\nname = "w"\nkey_env = "W"\n'
    )
    assert without_key(text, "m") == (
        '# the file\n\n# of the wall\n[[control.keys]]\nname = "w"\nkey_env = "W"\n'
    )
    assert without_key(text, "w").endswith('key_env = "M"\n')


def test_every_entry_of_that_name_goes_and_of_no_other() -> None:
    text = "".join(
        f'[[control.keys]]\nname = "{name}"\nkey_env = "K{at}"\n\n'
        for at, name in enumerate(("a", "b", "a"))
    )
    assert names(without_key(text, "a")) == ["b"]
    assert without_key(text, "c") == text


def test_what_looks_like_an_entry_within_a_text_is_none() -> None:
    text = 'x = """\n[[control.keys]]\n"""\n[[control.keys]]\nname = "a"\nkey_env = "K"\n'
    assert names(without_key(text, "a")) == []
    assert tomli.loads(without_key(text, "a"))["x"] == "[[control.keys]]\n"


@given(st.lists(st.text(min_size=1, max_size=8), min_size=1, max_size=4, unique=True))
def test_whatever_a_key_is_called_it_is_found_again(called: list[str]) -> None:
    text = '# mine\n[server]\nport = 1 # "x"\n'
    for name in called:
        text = added(text, name)
    assert names(text) == called
    for name in called:
        text = without_key(text, name)
    assert text == '# mine\n[server]\nport = 1 # "x"\n'


def control(**control: object) -> ControlConfig:
    return ControlConfig.model_validate(control)


def test_a_key_is_seen_with_where_it_is_from_and_why_it_opens_nothing() -> None:
    keys = [
        {"name": "file", "sha256": DIGEST, "created": CREATED, "role": "admin"},
        {"name": "env", "key_env": "GOOD"},
        {"name": "unset", "key_env": "UNSET"},
        {"name": "short", "key_env": "SHORT", "sha256": DIGEST},
        {"name": "held", "sha256": DIGEST},
    ]
    found = seen(control(keys=keys), {"GOOD": "x" * 16, "SHORT": "x"}, {"held"})

    assert found == (
        KeySeen("file", Role.ADMIN, "file", created=1_795_521_600.0),
        KeySeen("env", Role.VIEWER, "variable", "GOOD"),
        KeySeen("unset", Role.VIEWER, "variable", "UNSET", "UNSET is not set"),
        KeySeen("short", Role.VIEWER, "file", "SHORT", "SHORT has fewer than 16 characters"),
        KeySeen("held", Role.VIEWER, "memory"),
    )


def test_the_version_moves_with_everything_in_the_section() -> None:
    versions = {
        version(control()),
        version(control(local="viewer")),
        version(control(keys=[{"name": "a", "sha256": DIGEST}])),
        version(control(keys=[{"name": "a", "sha256": "cd" * 32}])),
    }
    assert len(versions) == 4
    assert version(control()) == version(control())
