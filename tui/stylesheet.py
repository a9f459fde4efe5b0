"""Styles that are read once. Textual reads all of them again for every screen that is new.

A page, a dialog and the first frame each cost some 30 ms of the gateway's loop that way, since a
new screen always believes that the theme has changed under it.
"""

from __future__ import annotations

from textual.css.stylesheet import Stylesheet


class SteadyStylesheet(Stylesheet):
    """Reads its sources again only when the theme's variables are other ones."""

    def __init__(self, variables: dict[str, str]) -> None:
        super().__init__(variables=variables)
        self._stale = False

    def set_variables(self, variables: dict[str, str]) -> None:
        """Take the variables of a theme."""
        if variables != self._variables:
            super().set_variables(variables)
            self._stale = True

    def reparse(self) -> None:
        """Apply what is new: variables to everything, or else a source that came meanwhile."""
        if self._stale:
            super().reparse()
            self._stale = False
        elif self._require_parse:
            self.parse()
