"""For the worst: the name has to be typed before the answer can be yes."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from nexus.domain.backend import Backend, BackendId
from tui.clean import clean
from tui.screens.base import dashboard
from tui.screens.dialogs.dialog import Dialog
from tui.screens.fields import Field


class Named(Dialog):
    """About one backend; `typed` tells whether its name has to be typed."""

    def __init__(self, backend: Backend, *, typed: bool) -> None:
        super().__init__()
        self.backend_id: BackendId = backend.id
        self.backend_name = clean(backend.name, 60) or backend.id
        """As it can be read and typed."""
        self.typed = typed

    def fields(self) -> Sequence[Field]:
        if not self.typed:
            return ()
        return (Field("name", "Its name", hint=f"type {self.backend_name} to go on"),)

    def first(self) -> str:
        return "#field-name" if self.typed else "#no"

    def wrong(self) -> Mapping[str, str]:
        if not self.typed:
            return {}
        word = self.words.get("name", "").strip()
        if word in (self.backend_name, self.backend_id):
            return {}
        near = self.backend_name.startswith(word) or self.backend_id.startswith(word)
        return {"name": "" if near else f"that is not {self.backend_name}"}

    @property
    def backend(self) -> Backend | None:
        """The backend, while it is there."""
        return dashboard(self).state.backends.get(self.backend_id)
