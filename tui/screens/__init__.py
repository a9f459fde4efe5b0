"""Pages and what stands before them. Each page's code is loaded when the page is first wanted.

The first frame needs one page of seven, so nothing here imports a page until it is asked for.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, cast

from tui.render.pages import PAGES

if TYPE_CHECKING:
    from tui.screens.page import Page

HOMES = {
    "fleet": ("tui.screens.main", "MainScreen"),
    "backend": ("tui.screens.backend", "BackendPage"),
    "models": ("tui.screens.models", "ModelsPage"),
    "requests": ("tui.screens.requests", "RequestsPage"),
    "routing": ("tui.screens.routing", "RoutingPage"),
    "accounts": ("tui.screens.accounts", "AccountsPage"),
    "logs": ("tui.screens.logs", "LogsPage"),
}
"""Module and class of each page."""


def page_type(name: str) -> type[Page]:
    """The class of the page of that name, loaded now if it was not."""
    module, page = HOMES[name]
    return cast("type[Page]", getattr(import_module(module), page))


def page_types() -> tuple[type[Page], ...]:
    """All pages in the order of their digits: loads them all."""
    return tuple(page_type(name) for name in PAGES)
