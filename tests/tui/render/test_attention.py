"""What needs a look: the worst first, with what to press; quiet when all is well."""

from __future__ import annotations

from dataclasses import replace

from nexus.domain.backend import BackendId, BackendStatus, BackendType, Load, Source
from nexus.domain.events import (
    BackendChanged,
    LinkChanged,
    LoadChanged,
    RequestRefused,
    ServerFound,
    Update,
    ZoneBreached,
)
from tui.render.attention import Note, attention, keys_of, listed
from tui.sources.story import Story
from tui.state import EMPTY, DashboardState, reduce
from tui.window import Rates, rates

NOW = 1_800_000_000.0
ALL = {"check", "drain", "undrain", "approve"}


def state_of(*updates: Update, degraded: bool = False) -> DashboardState:
    state = reduce(DashboardState(), Story(NOW, degraded=degraded).opening())
    for update in updates:
        state = reduce(state, update)
    return state


def notes_of(state: DashboardState, may: set[str] = ALL, now: float = NOW) -> tuple[Note, ...]:
    def traffic(id: BackendId) -> Rates:
        return rates(state.windows.get(id, EMPTY), now)

    return attention(state, now, traffic, may)


def said(note: Note) -> str:
    return "".join(cell.text for cell in note.text)


def pressed(note: Note) -> str:
    return "".join(cell.text for cell in keys_of(note, 0, here=True, next=False))


def test_a_fleet_that_is_well_needs_no_look() -> None:
    assert notes_of(state_of()) == ()


def test_a_backend_that_is_down_stands_first_with_the_models_that_only_it_has() -> None:
    notes = notes_of(state_of(degraded=True))
    assert notes[0].backend == "lab-nuc"
    assert "✖ lab-nuc down 4m" in said(notes[0])
    assert "nobody else has phi-4-mini" in said(notes[0])
    assert "connection refused" in said(notes[0])
    assert "c check now" in pressed(notes[0])


def test_a_backend_whose_models_live_elsewhere_is_less_urgent() -> None:
    fleet = state_of().backends
    copied = replace(fleet[BackendId("gpu-01")], status=BackendStatus.UNREACHABLE)
    alone = replace(fleet[BackendId("openai")], status=BackendStatus.UNHEALTHY)
    notes = notes_of(state_of(BackendChanged(900, copied, None), BackendChanged(901, alone, None)))
    assert [note.backend for note in notes] == ["openai", "gpu-01"]
    assert "nobody else" not in said(notes[1])


def test_what_comes_next_is_said_rather_than_why() -> None:
    sick = replace(
        state_of().backends[BackendId("openai")],
        status=BackendStatus.AUTH_ERROR,
        reason="401",
        next="set OPENAI_API_KEY",
    )
    (note,) = notes_of(state_of(BackendChanged(900, sick, None)))
    assert "set OPENAI_API_KEY" in said(note)


def test_a_share_of_failures_is_loud_once_there_are_enough_requests() -> None:
    story = Story(NOW - 60, degraded=True)
    state = reduce(DashboardState(), story.opening())
    for update in story.tell(60):
        state = reduce(state, update)
    workshop = next(note for note in notes_of(state) if note.backend == "workshop")
    assert "% fail" in said(workshop)
    assert "d drain" in pressed(workshop)


def test_a_drain_that_is_over_says_that_it_is_safe_to_stop() -> None:
    notes = notes_of(state_of(degraded=True))
    drained = next(note for note in notes if note.backend == "gpu-02")
    assert "safe to stop" in said(drained)
    busy = state_of(LoadChanged(BackendId("gpu-02"), Load(pending=2)), degraded=True)
    assert not [note for note in notes_of(busy) if note.backend == "gpu-02"]


def test_a_lost_link_stands_above_all_with_what_comes_next() -> None:
    state = state_of(
        LinkChanged(NOW, False, "reconnecting in 4 s: connection refused"), degraded=True
    )
    assert "connection lost" in said(notes_of(state)[0])
    assert "reconnecting in 4 s" in said(notes_of(state)[0])


def test_a_breach_of_a_zone_stays_a_quarter_of_an_hour() -> None:
    breach = ZoneBreached(NOW - 30, "r1", BackendId("openai"), "openai", "openai now leads outside")
    state = state_of(breach, breach)
    assert "zone breach stopped 30s ago, 2 times" in said(notes_of(state)[0])
    assert "7 log" in pressed(notes_of(state)[0])
    assert notes_of(state, now=NOW + 900) == ()


def test_servers_that_wait_are_named() -> None:
    found = [
        ServerFound(
            NOW,
            BackendId(f"s{n}"),
            f"box {n}",
            "http://x",
            BackendType.VLLM,
            "",
            Source.MDNS,
            "mDNS",
        )
        for n in range(3)
    ]
    (note,) = notes_of(state_of(*found))
    assert "3 servers found  box 0, box 1 and 1 more" in said(note)
    assert "a look at it" in pressed(note)


def test_requests_that_nobody_could_serve_are_counted() -> None:
    refused = [
        RequestRefused(f"r{n}", NOW - 1, "gpt-9", 404, "model_not_found", "nobody has gpt-9")
        for n in range(6)
    ]
    (note,) = notes_of(state_of(*refused))
    assert "6 requests refused in 2m  nobody has gpt-9" in said(note)
    assert notes_of(state_of(*refused[:3])) == ()
    assert notes_of(state_of(*refused), now=NOW + 300) == ()


def test_a_viewer_is_offered_no_key_that_changes_something() -> None:
    for note in notes_of(state_of(degraded=True), may=set()):
        assert not {"c", "d", "u", "a"} & {key for key, _ in note.keys}


def test_a_key_shows_only_where_it_would_act() -> None:
    note = notes_of(state_of(degraded=True))[0]
    there = "".join(cell.text for cell in keys_of(note, 0, here=False, next=True))
    elsewhere = "".join(cell.text for cell in keys_of(note, 2, here=False, next=False))
    assert there.strip() == "! go there"
    assert elsewhere.strip() == "+2 more"


def test_a_list_of_names_is_cut() -> None:
    assert listed(["a"]) == "a"
    assert listed(["a", "b", "c", "d"]) == "a, b and 2 more"
