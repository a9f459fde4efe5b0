"""What many requests share is written once, without what is nobody's to keep."""

from __future__ import annotations

import sqlite3
import zlib
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from nexus.domain.backend import Backend
from nexus.domain.policy import Policy
from nexus.domain.traffic import Privacy, Traffic, TrafficPolicy
from nexus.store import facts as module
from nexus.store import schema
from nexus.store.facts import Facts
from nexus.store.known import Known
from tests.fakes.fleets import backend, fleet, model, needs
from tests.fakes.histories import AT


@pytest.fixture
def connection(tmp_path: Path) -> Iterator[sqlite3.Connection]:
    found = schema.open_writer(tmp_path / "h.db")
    yield found
    found.close()


def facts_at(connection: sqlite3.Connection, at: float = AT) -> Facts:
    facts = Facts(connection)
    facts.at(at)
    return facts


def count(connection: sqlite3.Connection, table: str = "facts") -> int:
    return connection.execute(f"SELECT count(*) FROM {table}").fetchone()[0]


def test_a_state_that_comes_again_is_no_new_fact(connection: sqlite3.Connection) -> None:
    facts = facts_at(connection)
    up, down = backend(), backend(reason="down")
    first = facts.picture(fleet(up))
    facts.picture(fleet(down))
    before = count(connection)
    again = facts.picture(fleet(backend()))

    assert first is not None
    assert again is not None
    assert (again.n, count(connection)) == (first.n, before)


def test_a_restart_finds_the_facts_of_before(connection: sqlite3.Connection) -> None:
    seen, policy, wanted = fleet(backend(), backend("b")), Policy(), needs(tools=True)

    def numbers() -> tuple[object, ...]:
        facts = facts_at(connection)
        picture = facts.picture(seen)
        assert picture is not None
        return picture.n, facts.policy(policy), facts.shape(wanted), facts.word("llama")

    assert numbers() == numbers()


def test_checks_without_news_make_no_facts(connection: sqlite3.Connection) -> None:
    facts = facts_at(connection)
    near = replace(backend(), probe_ms=3.0, checked_at=AT, since=AT - 5)
    facts.picture(fleet(near))
    before = count(connection)
    facts.picture(fleet(replace(near, probe_ms=4.0, checked_at=AT + 30)))

    assert count(connection) == before


def test_secrets_in_urls_and_keys_of_conversations_are_not_kept(
    connection: sqlite3.Connection,
) -> None:
    facts = facts_at(connection)
    secret = backend()
    secret = replace(secret, face=replace(secret.face, url="http://maria:swordfish@gpu:8000"))
    facts.picture(fleet(secret))
    number = facts.shape(needs(affinity="swordfish"))
    assert number is not None
    told = Known(connection).needs(number)

    assert told is not None
    assert told.affinity == ""
    everything = b"".join(
        zlib.decompress(body) if body[:1] == b"x" else body
        for (body,) in connection.execute("SELECT body FROM facts")
    )
    assert b"swordfish" not in everything


def test_a_name_that_no_encoding_has_leaves_its_picture_out(connection: sqlite3.Connection) -> None:
    odd: Backend = backend("gpu", model("m\ud800"))

    assert facts_at(connection).picture(fleet(odd)) is None
    assert facts_at(connection).word("m\ud800") == facts_at(connection).word("m?")


def test_a_policy_comes_back_with_its_rules(connection: sqlite3.Connection) -> None:
    rules = Traffic([TrafficPolicy("llama*", Privacy.RESTRICTED, 3, fallback_allowed=False)])
    policy = Policy(aliases={"a": "b"}, fallbacks={"b": ("c", "d")}, traffic=rules)

    assert Known(connection).policy(facts_at(connection).policy(policy)) == policy


def test_a_fact_of_another_version_is_nothing(connection: sqlite3.Connection) -> None:
    number = facts_at(connection).shape(needs())
    connection.execute("UPDATE facts SET body = ?", (b'{"endpoint": "telepathy"}',))
    assert number is not None

    assert Known(connection).needs(number) is None


def test_what_is_named_again_is_stamped_once_an_hour(connection: sqlite3.Connection) -> None:
    def used() -> int:
        return connection.execute("SELECT used FROM words").fetchone()[0]

    facts = facts_at(connection, AT)
    facts.word("llama")
    first = used()
    facts.at(AT + 60)
    facts.word("llama")
    assert used() == first
    facts.at(AT + 7200)
    facts.word("llama")
    assert used() == first + 7200


def test_what_is_remembered_of_numbers_is_bounded(
    connection: sqlite3.Connection, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "MOST_CACHED", 3)
    facts = facts_at(connection)
    for n in range(10):
        facts.at(AT)
        facts.word(f"name {n}")

    assert len(facts._words) <= 4  # pyright: ignore[reportPrivateUsage]
    assert count(connection, "words") == 10


def test_pictures_of_the_past_are_let_go(
    connection: sqlite3.Connection, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "MOST_PICTURES", 2)
    facts = facts_at(connection)
    seen = [fleet(backend(f"gpu-{n}")) for n in range(5)]
    numbers = [facts.picture(each) for each in seen]
    again = [facts.picture(each) for each in seen]

    assert [each and each.n for each in again] == [each and each.n for each in numbers]
    assert len(facts._pictures) == 2  # pyright: ignore[reportPrivateUsage]
