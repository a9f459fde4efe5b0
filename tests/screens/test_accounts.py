"""Pictures of keys: made, shown once, revoked; and of the page for who may not."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace

import pytest

from nexus.domain.access import Role
from nexus.domain.keys import Keyring, KeySeen
from tests.fakes.settled import settled
from tui.screenshots import START, dashboard
from tui.sources.keyring import FIRST

Snap = Callable[..., bool]
SIZES = {"80x24": (80, 24), "120x36": (120, 36)}
TO_CREATE = ("n", *"laptop", "enter", "enter", "right", "enter")
FLOWS: dict[str, Sequence[str]] = {
    "create-empty": ("n",),
    "create": ("n", *"laptop", "enter"),
    "create-taken": ("n", *"ci", "enter"),
    "secret": TO_CREATE,
    "created": (*TO_CREATE, "escape"),
    "revoke": ("x", *"mar"),
    "detail": ("down", "enter"),
    "filter": ("slash", *"operator", "enter"),
}

each_size = pytest.mark.parametrize("size", SIZES)


@each_size
@pytest.mark.parametrize("flow", FLOWS)
def test_flows(snap_compare: Snap, flow: str, size: str) -> None:
    app, _ = dashboard("busy")
    before = settled("6", *FLOWS[flow], theme="nexus-dark")
    assert snap_compare(app, terminal_size=SIZES[size], run_before=before)


@pytest.mark.parametrize("look", ["nexus-light", "nexus-mono"])
def test_a_new_key_in_the_other_looks(snap_compare: Snap, look: str) -> None:
    app, _ = dashboard("busy", no_color=look == "nexus-mono")
    before = settled("6", *TO_CREATE, theme=look)
    assert snap_compare(app, terminal_size=SIZES["80x24"], run_before=before)


@each_size
@pytest.mark.parametrize("keys", [(), TO_CREATE[:-3]], ids=["none", "first"])
def test_without_keys(snap_compare: Snap, keys: Sequence[str], size: str) -> None:
    app, source = dashboard("busy")
    source.ring, source.key_impact = Keyring(version="1"), FIRST
    before = settled("6", *keys, theme="nexus-dark")
    assert snap_compare(app, terminal_size=SIZES[size], run_before=before)


@each_size
def test_who_is_no_admin_sees_no_keys(snap_compare: Snap, size: str) -> None:
    app, source = dashboard("busy")
    source.role = Role.OPERATOR
    assert snap_compare(app, terminal_size=SIZES[size], run_before=settled("6", theme="nexus-dark"))


@each_size
def test_many_keys_some_of_them_in_memory(snap_compare: Snap, size: str) -> None:
    app, source = dashboard("busy")
    more = tuple(
        KeySeen(f"key {number}", Role.VIEWER, "memory", created=START, yours=number == 3)
        for number in range(30)
    )
    source.ring = replace(source.ring, keys=more, local=Role.VIEWER)
    before = settled("6", "end", theme="nexus-dark")
    assert snap_compare(app, terminal_size=SIZES[size], run_before=before)
