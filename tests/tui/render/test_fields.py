"""What is typed about a backend is read, or refused in a sentence."""

from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from nexus.domain.backend import BackendId, Zone
from nexus.domain.gateway import BackendEdit
from tui.render import fields
from tui.sources.story import fleet_of, members

FLEET = tuple(fleet_of(members(0.0, degraded=False)).backends.values())
FACE = FLEET[0].face


@pytest.mark.parametrize(
    ("reader", "text", "value"),
    [
        (fields.priority, "0", 0),
        (fields.priority, " 100 ", 100),
        (fields.priority, "", None),
        (fields.tier, "5", 5),
        (fields.limit, "1", 1),
        (fields.zone, "open", Zone.OPEN),
        (fields.zone, "R", Zone.RESTRICTED),
        (fields.zone, "", None),
        (fields.env_name, "VLLM_KEY", "VLLM_KEY"),
        (fields.env_name, "", None),
    ],
)
def test_good_words_are_read(reader: object, text: str, value: object) -> None:
    assert reader(text) == value  # type: ignore[operator]


@pytest.mark.parametrize(
    ("reader", "text"),
    [
        (fields.priority, "101"),
        (fields.priority, "-1"),
        (fields.priority, "1.5"),
        (fields.priority, "٣"),
        (fields.priority, "9" * 400),
        (fields.tier, "0"),
        (fields.tier, "6"),
        (fields.limit, "0"),
        (fields.limit, "many"),
        (fields.zone, "public"),
        (fields.env_name, "sk-abcdef"),
        (fields.env_name, "Bearer x"),
        (fields.env_name, "two words"),
    ],
)
def test_bad_words_are_refused_with_what_is_allowed(reader: object, text: str) -> None:
    with pytest.raises(fields.Wrong) as refused:
        reader(text)  # type: ignore[operator]
    assert str(refused.value)
    assert text not in str(refused.value) or len(text) < 5


@given(st.text(max_size=60))
def test_no_text_breaks_a_reader(text: str) -> None:
    readers = (fields.priority, fields.tier, fields.limit, fields.zone, fields.env_name)
    for reader in readers:
        try:
            reader(text)
        except fields.Wrong:
            continue
    for read in (fields.url, fields.name):
        try:
            read(text, FLEET)
        except fields.Wrong:
            continue


def test_a_url_is_kept_in_one_spelling_and_only_once() -> None:
    assert fields.url("http://GPU-9:80/v1/", FLEET) == "http://gpu-9"
    with pytest.raises(fields.Wrong, match="registered already, as gpu-01"):
        fields.url(FACE.url, FLEET)
    with pytest.raises(fields.Wrong, match="http"):
        fields.url("ftp://x", FLEET)


def test_a_name_that_makes_a_known_id_is_taken() -> None:
    with pytest.raises(fields.Wrong):
        fields.name("GPU 01", FLEET)
    assert fields.name(" gpu 09 ", FLEET) == "gpu 09"


def words(**changed: str) -> dict[str, str]:
    return {"priority": "50", "zone": "restricted", "tier": "1", "limit": "8", **changed}


def test_only_what_differs_becomes_an_edit() -> None:
    edit, wrong = fields.edited(FACE, words(priority="20", zone="open"))
    assert wrong == {}
    assert edit == BackendEdit(priority=20, zone=Zone.OPEN)
    assert fields.differences(FACE, edit) == ("priority 50 → 20", "zone restricted → open")
    assert fields.edited(FACE, words())[0] == BackendEdit()


def test_every_wrong_field_is_named_and_nothing_is_edited() -> None:
    edit, wrong = fields.edited(FACE, words(priority="x", tier="9", limit="no"))
    assert set(wrong) == {"priority", "tier", "limit"}
    assert edit == BackendEdit()


def test_an_empty_field_takes_back_what_was_said_where_something_was() -> None:
    edit, wrong = fields.edited(FACE, words(priority="0", zone="", tier="", limit=""))
    assert wrong == {}
    assert edit == BackendEdit(priority=0, cleared=frozenset({"max_concurrent"}))
    assert fields.differences(FACE, edit) == ("priority 50 → 0", "limit 8 → none")
    cloud = replace(FACE, zone=Zone.OPEN, priority=3, max_concurrent=None)
    edit, _ = fields.edited(cloud, words(priority="", zone="", limit=""))
    assert fields.differences(cloud, edit) == ("priority 3 → 50", "zone open → restricted")


def test_a_password_in_a_url_is_masked() -> None:
    face = replace(FACE, id=BackendId("p"), url="http://user:secret@gpu:8000")
    assert fields.shown_url(face) == "http://***@gpu:8000"
