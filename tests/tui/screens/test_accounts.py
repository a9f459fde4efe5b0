"""The page Accounts, with a hand on its keys."""

from __future__ import annotations

from tests.fakes.dashboard import staged
from tui.screens.accounts import AccountsPage
from tui.screens.models import ModelsPage


async def test_a_page_without_rows_leaves_its_keys_to_the_pages() -> None:
    async with staged() as stage:
        await stage.press("6")
        assert isinstance(stage.app.screen, AccountsPage)
        await stage.press("3")
        assert isinstance(stage.app.screen, ModelsPage)
