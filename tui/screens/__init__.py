"""Pages and what stands before them. `PAGES` is what the digits go to, in order."""

from __future__ import annotations

from tui.screens.accounts import AccountsPage
from tui.screens.backend import BackendPage
from tui.screens.logs import LogsPage
from tui.screens.main import MainScreen
from tui.screens.models import ModelsPage
from tui.screens.page import Page
from tui.screens.requests import RequestsPage
from tui.screens.routing import RoutingPage

PAGES: tuple[type[Page], ...] = (
    MainScreen,
    BackendPage,
    ModelsPage,
    RequestsPage,
    RoutingPage,
    AccountsPage,
    LogsPage,
)
