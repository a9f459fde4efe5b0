"""A revised picture is the picture that would be drawn anew, whatever changed."""

from __future__ import annotations

from dataclasses import replace

from hypothesis import given
from hypothesis import strategies as st

from nexus.domain.backend import Backend, BackendId, BackendType, Model, Zone
from nexus.domain.fleet import Fleet, picture
from nexus.domain.revision import MOST, revised
from tests.fakes.fleets import backend, model

NAMES = ("a", "b", "c")
MODELS = st.lists(
    st.builds(
        Model,
        st.sampled_from(["m", "m:latest", "n", "o:latest"]),
        zone=st.sampled_from([None, Zone.OPEN]),
    ),
    unique_by=lambda model: model.id,
    max_size=4,
).map(tuple)
BACKENDS = st.builds(
    lambda name, models, kind, reason: replace(backend(name, *models, type=kind), reason=reason),
    st.sampled_from(NAMES),
    MODELS,
    st.sampled_from([BackendType.OLLAMA, BackendType.VLLM, BackendType.OPENAI]),
    st.sampled_from(["", "odd"]),
)


@given(rounds=st.lists(st.lists(BACKENDS, max_size=4), max_size=5))
def test_revising_again_and_again_is_drawing_anew(rounds: list[list[Backend]]) -> None:
    truth: dict[BackendId, Backend] = {}
    fleet = Fleet()
    for version, changes in enumerate(rounds):
        changed = {one.id: one for one in changes}
        truth.update(changed)
        fleet = revised(fleet, version, changed)

        whole = picture(version, truth)
        assert fleet == whole
        assert list(fleet.backends) == list(whole.backends)


def test_a_picture_that_was_handed_out_does_not_change() -> None:
    old = backend("a", model("m"))
    before = picture(1, {old.id: old})
    after = revised(before, 2, {old.id: replace(old, reason="slow", models=(model("n"),))})

    assert before == picture(1, {old.id: old})
    assert set(after.by_model) == {"n"}


def test_many_changes_are_drawn_at_once() -> None:
    many = {one.id: one for one in (backend(f"b{n}", model("m")) for n in range(MOST + 1))}

    assert revised(Fleet(), 3, many) == picture(3, many)
