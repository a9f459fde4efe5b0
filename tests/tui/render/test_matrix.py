"""The index of models: the same rows as looking through everything, made when asked for."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from hypothesis import given
from hypothesis import strategies as st

from nexus.domain.backend import Backend, BackendId, BackendStatus, Model
from tui.render.matrix import ModelIndex, ModelRow
from tui.sources.story import members

ONE = members(0.0, degraded=False)[0].backend


def fleet(lists: list[list[str]]) -> dict[BackendId, Backend]:
    found: dict[BackendId, Backend] = {}
    for number, names in enumerate(lists):
        id = BackendId(f"b{number}")
        models = tuple(Model(name) for name in dict.fromkeys(names))
        found[id] = replace(ONE, face=replace(ONE.face, id=id, name=id), models=models)
    return found


def model_rows(backends: Sequence[Backend]) -> tuple[ModelRow, ...]:
    """Every model of the fleet by name, found by a look at everything."""
    index: dict[str, dict[BackendId, tuple[Backend, Model]]] = {}
    for backend in backends:
        for model in backend.models:
            index.setdefault(model.id, {})[backend.id] = (backend, model)
    return tuple(ModelRow(name, index[name]) for name in sorted(index, key=str.lower))


LISTS = st.lists(st.lists(st.sampled_from(["a", "B", "c", "dd"]), max_size=4), max_size=5)


@given(st.lists(LISTS, min_size=1, max_size=4))
def test_the_index_says_what_a_look_at_everything_says(steps: list[list[list[str]]]) -> None:
    index = ModelIndex()
    for lists in steps:
        backends = fleet(lists)
        index.update(backends)
        rows = model_rows(tuple(backends.values()))
        assert index.names == tuple(row.name for row in rows)
        assert [index.row(name) for name in index.names] == list(rows)
    assert index.row("nobody has it") is None


def test_a_check_that_changes_no_list_sorts_nothing_and_its_facts_still_show() -> None:
    index = ModelIndex()
    backends = fleet([["a"], ["a", "c"]])
    index.update(backends)
    names = index.names
    down = replace(backends[BackendId("b1")], status=BackendStatus.UNREACHABLE)
    index.update({**backends, BackendId("b1"): down})
    assert index.names is names
    row = index.row("a")
    assert row is not None
    assert row.copies == 1
