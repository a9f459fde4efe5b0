"""Changes come back as they were, and hostile ones do no harm."""

from __future__ import annotations

import sqlite3

from nexus.domain.audit import AuditEntry
from nexus.store import changes
from nexus.store.schema import migrate


def kept(*entries: AuditEntry) -> list[AuditEntry]:
    connection = sqlite3.connect(":memory:", isolation_level=None)
    migrate(connection)
    changes.write(connection, entries)
    found = changes.last(connection, 9)
    connection.close()
    return found


def test_a_change_comes_back_as_it_was() -> None:
    entry = AuditEntry(
        1.5, "api:maria", "operator", "edit", "Größe", {"priority": 50}, {"zone": None}, "no"
    )
    made = AuditEntry(2.5, "cli", "admin", "add", "b", None, {"url": "http://b"})

    assert kept(entry, made) == [made, entry]


def test_hostile_text_is_made_safe_and_is_no_reason_to_fail() -> None:
    (told,) = kept(AuditEntry(1, "cli", "admin", "add", "gpu\x1b[2J\ud800", None, {"x": "\ud800"}))

    assert told.target == "gpu\N{REPLACEMENT CHARACTER}[2J\N{REPLACEMENT CHARACTER}"
    assert told.after == {"x": "\ud800"}


def test_what_is_too_long_is_told_to_be() -> None:
    (told,) = kept(AuditEntry(1, "cli", "admin", "apply", "routing", None, {"x": "y" * 200_000}))

    assert told.after is not None
    assert set(told.after) == {"too_long"}


def test_what_is_no_json_is_kept_as_its_words() -> None:
    (told,) = kept(AuditEntry(1, "cli", "admin", "apply", "routing", {"x": frozenset({1})}, None))

    assert told.before == {"x": "frozenset({1})"}
