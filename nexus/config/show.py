"""The configuration in force, key by key, with the layer that set each."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING

from nexus.config.problems import leaves
from nexus.config.reference import toml
from nexus.domain.urls import without_userinfo

if TYPE_CHECKING:
    from nexus.config.load import Loaded


@dataclass(frozen=True, slots=True)
class Row:
    """One key."""

    key: str
    value: object
    """Plain JSON value; a password inside a URL is masked."""
    origin: str
    """`default`, `file`, `env NEXUS_PORT`, `flag --port`."""

    @property
    def text(self) -> str:
        """The value as TOML; `(not set)` where there is none."""
        return "(not set)" if self.value is None else toml(self.value)


def rows(loaded: Loaded) -> Iterator[Row]:
    """Every key in the order of the schema."""
    for key, value in leaves(loaded.config.model_dump(mode="json")).items():
        if key.endswith(".url") and isinstance(value, str):
            value = without_userinfo(value)
        yield Row(key, value, loaded.origins.get(key, "default"))
