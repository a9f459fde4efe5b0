"""Settings of `[history]`: what is kept of requests and changes over a restart."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Annotated

from pydantic import AfterValidator, BeforeValidator, Field

from nexus.config.file import home_expanded, state_place
from nexus.config.kinds import Allowed, Switch
from nexus.config.section import Section

FILE_NAME = "nexus.db"

MB = 1_000_000


def _stripped(value: object) -> object:
    return value.strip() if isinstance(value, str) else value


def _path(value: str) -> str:
    if not value or not value.isprintable():
        raise ValueError("the path of a file")
    return value


class HistoryConfig(Section):
    """`[history]`: requests with their decisions, and changes, kept over restarts."""

    enabled: Switch = Field(
        default=True,
        description="Keep a file, never with what was asked or answered. Without one the last "
        "5,000 requests are remembered until Nexus stops.",
    )
    path: (
        Annotated[
            str, BeforeValidator(_stripped), AfterValidator(_path), Allowed("the path of a file")
        ]
        | None
    ) = Field(
        default=None,
        description="Where; by default `nexus.db` in the state directory "
        "(`~/.local/state/nexus`). One Nexus, one file.",
        examples=["/var/lib/nexus/nexus.db"],
    )
    days: Annotated[int, Field(strict=True, ge=1, le=3650)] = Field(
        default=30, description="How long requests are kept, days."
    )
    max_mb: Annotated[int, Field(strict=True, ge=10, le=1_000_000)] = Field(
        default=1000,
        description="Room they may take, megabytes of 1,000,000 bytes; the oldest give way. "
        "A million requests take some 250.",
    )

    def place(self, environ: Mapping[str, str]) -> Path | None:
        """The file; None where none is kept."""
        if not self.enabled:
            return None
        if self.path is not None:
            return home_expanded(self.path)
        return state_place(environ).with_name(FILE_NAME)
