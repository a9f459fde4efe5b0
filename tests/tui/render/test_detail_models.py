"""A model in the detail: where it is, what it can, and whose word that is."""

from __future__ import annotations

from nexus.domain.backend import FactSource, Model, Residency, Zone
from tui.render.detail import fact_pieces


def text(model: Model) -> str:
    return "".join(cell.text for cell in fact_pieces(model))


def test_a_fact_that_is_not_the_servers_own_word_is_marked() -> None:
    model = Model(
        "m",
        context_length=4096,
        vision=True,
        tools=True,
        audio=False,
        sources=(
            ("context_length", FactSource.CONFIG),
            ("vision", FactSource.GUESS),
            ("audio", FactSource.CATALOGUE),
            ("tools", FactSource.SERVER),
        ),
    )
    shown = text(model)

    assert "4,096 tokens (config)" in shown
    assert "vision ✓ guess" in shown
    assert "audio ✗ catalogue" in shown
    assert "tools ✓" in shown
    assert "server" not in shown


def test_a_cloud_model_behind_a_local_server_is_marked() -> None:
    assert "zone open" in text(Model("m:cloud", zone=Zone.OPEN))
    assert "zone" not in text(Model("m"))


def test_it_says_where_a_model_is() -> None:
    words = {where: text(Model("m", residency=where)).split()[-1] for where in Residency}

    assert words == {
        Residency.INSTALLED: "disk",
        Residency.LOADING: "loading",
        Residency.LOADED: "loaded",
        Residency.SLEEPING: "sleeping",
    }
