"""The routes: seen, tried out, put in force, taken back."""

from __future__ import annotations

from collections.abc import Callable

from nexus.control.asks import RouteEdits
from nexus.control.ledger import Ledger
from nexus.control.requests import Requests
from nexus.control.rights import needed
from nexus.control.view import View
from nexus.domain.access import Role
from nexus.domain.routes import Preview, Routes, apart
from nexus.errors import Conflict

REHEARSED_S = 3600.0
"""How far back requests are decided again in a preview, seconds."""


class Routing:
    """See the module.

    Args:
        edits: makes the edits; None where there are none.
        view: the fleet.
        requests: those that are decided again in a preview.
        ledger: told of changes.
        unix: Unix seconds.
    """

    def __init__(
        self,
        edits: RouteEdits | None,
        view: View,
        requests: Requests,
        ledger: Ledger,
        unix: Callable[[], float],
    ) -> None:
        self._maybe = edits
        self._view = view
        self._requests = requests
        self._ledger = ledger
        self._unix = unix

    async def routes(self) -> Routes:
        """The routing configuration in force."""
        return self._edits.routes()

    async def preview(self, routes: Routes) -> Preview:
        """What these routes would change; the last hour's requests are decided again."""
        preview, config = await self._edits.preview(routes, self._view.fleet())
        if config is None:
            return preview
        from nexus.explain.preview import with_moves
        from nexus.explain.proposal import Proposal

        plan = Proposal(self._view.fleet(), config.policy())
        found = await self._requests.foresight.decided_again(plan, REHEARSED_S)
        return with_moves(preview, found, self._unix())

    async def apply(self, routes: Routes) -> Routes:
        """Put routes in force and into the configuration file; returns them with their version.

        Raises:
            Outdated: somebody changed the routes meanwhile.
            BadRequest: they cannot be; the sentence says why.
        """
        needed(Role.ADMIN, "edit the routes")
        return self._edited("edit", *await self._edits.apply(routes))

    async def undo(self) -> Routes:
        """Take back the last change of the routes; itself a change that can be taken back.

        Raises:
            Conflict: there is none, or the file was edited since.
        """
        needed(Role.ADMIN, "edit the routes")
        return self._edited("undo", *await self._edits.undo())

    def _edited(self, action: str, before: Routes, after: Routes) -> Routes:
        if before.version != after.version:
            self._ledger.enter(action, "routing", *apart(before, after))
        return after

    @property
    def _edits(self) -> RouteEdits:
        if self._maybe is None:
            raise Conflict("This Nexus cannot edit its routes")
        return self._maybe
