"""The page Models, row by row."""

from __future__ import annotations

from dataclasses import replace

from nexus.domain.backend import Residency, Zone
from tests.fakes.fleets import backend, model
from tui.render.models import ModelsView, abilities, chosen_lines, legend, usage
from tui.sources.story import Story
from tui.state import DashboardState, reduce


def told(seconds: float = 30) -> DashboardState:
    story = Story(1000.0)
    state = reduce(DashboardState(), story.opening())
    for update in story.tell(seconds):
        state = reduce(state, update)
    return state


def view_of(state: DashboardState, *, width: int = 117, words: str = "") -> ModelsView:
    view = ModelsView()
    view.update(state, words, width, 2, now=1040)
    return view


def test_a_row_names_what_any_copy_can_do_each_in_its_place() -> None:
    models = [model("a", vision=True), model("a", tools=True, vision=False)]
    assert abilities(models) == "v t   "
    assert abilities([]) == "      "


def test_the_chosen_backend_is_always_among_the_columns_shown() -> None:
    state = told()
    for width in (60, 80, 117):
        view = ModelsView()
        for chosen in range(len(state.backends)):
            view.chosen = chosen
            view.update(state, "", width, 1, now=1040)
            shown = view.cells(view.keys[0])
            assert len(shown) == len(view.columns)
            assert any(cell.text.startswith("[") for cell in shown), (width, chosen)


def test_a_choice_beyond_the_fleet_stays_within() -> None:
    view = ModelsView(chosen=99)
    view.update(told(), "", 117, 2, now=1040)
    assert view.backend is view.backends[-1]


def test_only_models_that_can_are_shown() -> None:
    state = told()
    view = ModelsView(ability="embeddings")
    view.update(state, "", 117, 2, now=1040)
    assert view.keys == ("nomic-embed-text",)
    assert view.total > 1


def test_speed_is_the_median_of_what_the_log_tells() -> None:
    state = told()
    used = usage(state.log)
    for name in {entry.model for entry in state.running.values()}:
        assert used[name, None].requests >= max(
            used[name, id].requests for named, id in used if named == name and id is not None
        )


def test_where_a_model_is_is_a_mark_and_open_zones_have_a_sign() -> None:
    one = backend("one", model("m", residency=Residency.INSTALLED))
    two = backend("two", model("m", zone=Zone.OPEN))
    three = backend("three", model("m", residency=Residency.SLEEPING))
    state = replace(DashboardState(), backends={each.id: each for each in (one, two, three)})
    cells = view_of(state).cells("m")
    assert [cell.text for cell in cells[-3:]] == ["[◦]", " ● $", " ☾"]


def test_the_pane_below_says_who_has_what_the_chosen_backend_lacks() -> None:
    state = told()
    view = view_of(state)
    gone = next(name for name in view.keys if view.found(name) is None)
    text = "\n".join("".join(cell.text for cell in line) for line in chosen_lines(view, gone, []))
    assert "does not list this model" in text


def test_the_legend_never_is_cut() -> None:
    for width in range(66, 200):
        assert sum(len(cell.text) for cell in legend(width)) <= width
