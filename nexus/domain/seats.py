"""Some backends in a fixed order, and all of their loads in one step."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from operator import itemgetter
from typing import cast

from nexus.domain.backend import BackendId
from nexus.domain.fleet import Loads, LoadView


class Seats:
    """See the module. Twenty loads looked up one by one cost a twentieth of a request."""

    __slots__ = ("_get", "ids")

    def __init__(self, ids: Sequence[BackendId]) -> None:
        self.ids = ids
        self._get: Callable[[Loads], tuple[LoadView, ...]] | None = None
        if len(ids) > 1:  # of one, it gives no tuple
            self._get = cast("Callable[[Loads], tuple[LoadView, ...]]", itemgetter(*ids))

    def all(self, loads: Loads) -> Sequence[LoadView] | None:
        """The loads in order; None where one has none."""
        try:
            if self._get is not None:
                return self._get(loads)
            return [loads[id] for id in self.ids]
        except KeyError:
            return None
