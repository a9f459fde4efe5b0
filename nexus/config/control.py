"""Settings of `[control]`: who may see and change a running Nexus over HTTP."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from enum import StrEnum
from typing import Annotated

from pydantic import AfterValidator, BeforeValidator, Field, model_validator

from nexus.config.kinds import Allowed, Host, Name, Switch, VariableName
from nexus.config.section import Section
from nexus.domain.access import Access, ControlKey, Role

SHORTEST_KEY = 16
"""Characters. A key that can be guessed opens every backend."""


class LocalRole(StrEnum):
    """What callers on this machine may do without a key."""

    ADMIN = "admin"
    OPERATOR = "operator"
    VIEWER = "viewer"
    NONE = "none"


def _lower(value: object) -> object:
    return value.strip().lower() if isinstance(value, str) else value


def _digest(value: str) -> str:
    if not re.fullmatch(r"[0-9a-f]{64}", value):
        raise ValueError("a SHA-256 in hexadecimal: 64 characters of 0-9 and a-f")
    return value


def _moment(value: object) -> object:
    """A date and time as text; TOML's own are as good."""
    if isinstance(value, str):
        try:
            value = datetime.fromisoformat(value.strip())
        except ValueError:
            raise ValueError("a date and time, such as 2026-11-24T12:00:00Z") from None
    if isinstance(value, datetime):
        value = value if value.tzinfo is not None else value.replace(tzinfo=UTC)
        return value.astimezone(UTC).isoformat(timespec="seconds").replace("+00:00", "Z")
    return value


RoleWord = Annotated[Role, BeforeValidator(_lower)]
LocalWord = Annotated[LocalRole, BeforeValidator(_lower)]
Digest = Annotated[
    str, BeforeValidator(_lower), AfterValidator(_digest), Allowed("64 hexadecimal digits")
]
Moment = Annotated[str, BeforeValidator(_moment), Allowed("a date and time in ISO 8601")]


class KeyConfig(Section):
    """`[[control.keys]]`: a key for the control API and attached dashboards, one entry each."""

    name: Name = Field(
        description="Whose it is: changes are written down under it.", examples=["maria"]
    )
    role: RoleWord = Field(
        default=Role.VIEWER,
        description="`viewer` sees, `operator` also drains, checks, approves, cancels and loads, "
        "`admin` also changes backends, routing and keys.",
    )
    key_env: VariableName | None = Field(
        default=None,
        description="Environment variable of Nexus that holds the key, 16 characters or more.",
        examples=["NEXUS_KEY_MARIA"],
    )
    sha256: Digest | None = Field(
        default=None,
        description="Instead, or for a second key: its SHA-256, which tells nobody the key.",
        examples=["9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08"],
    )

    created: Moment | None = Field(
        default=None,
        description="When it was made; `nexus keys create` writes it down.",
        examples=["2026-11-24T12:00:00Z"],
    )

    @model_validator(mode="after")
    def _some_secret(self) -> KeyConfig:
        if self.key_env is None and self.sha256 is None:
            raise ValueError("needs key_env or sha256")
        return self

    def secret(self, environ: Mapping[str, str]) -> str:
        """The key in its variable; empty where there is none that may be used."""
        key = environ.get(self.key_env, "").strip() if self.key_env else ""
        return key if len(key) >= SHORTEST_KEY else ""

    def trouble(self, environ: Mapping[str, str]) -> str:
        """Why its variable opens nothing; empty where it does, or where none is named."""
        if self.key_env is None or self.secret(environ):
            return ""
        if environ.get(self.key_env, "").strip():
            return f"{self.key_env} has fewer than {SHORTEST_KEY} characters"
        return f"{self.key_env} is not set"


class ControlConfig(Section):
    """`[control]`: who may see and change a running Nexus over HTTP."""

    local: LocalWord | None = Field(
        default=None,
        description="What callers on this machine may do without a key; by default `admin` while "
        "there are no keys, and `none` once there are.",
        examples=["viewer"],
    )
    read_only: Switch = Field(
        default=False, description="Nobody changes anything over HTTP, whatever the key."
    )
    hosts: Annotated[tuple[Host, ...], Allowed("a list of host names")] = Field(
        default=(),
        description="Names by which callers on this machine may call Nexus without a key, beside "
        "localhost and addresses. Other names are refused: a web page could have made them up.",
        examples=[["gateway.lan"]],
    )
    keys: Annotated[tuple[KeyConfig, ...], Allowed("[[control.keys]] entries")] = Field(
        default=(), description="Keys for callers on other machines, and for roles."
    )

    def access(
        self, environ: Mapping[str, str], warn: Callable[[str], object] = lambda text: None
    ) -> Access:
        """The rules with their keys.

        Args:
            environ: where `key_env` is looked up.
            warn: told of each key that cannot be used, without the key.
        """
        found: list[ControlKey] = []
        for each in self.keys:
            if each.sha256 is not None:
                found.append(ControlKey(each.name, each.role, bytes.fromhex(each.sha256)))
            if each.key_env is None:
                continue
            if trouble := each.trouble(environ):
                warn(f"control key '{each.name}' opens nothing: {trouble}")
            else:
                key = each.secret(environ).encode("utf-8", "surrogateescape")
                found.append(ControlKey(each.name, each.role, hashlib.sha256(key).digest()))
        usual = LocalRole.NONE if self.keys else LocalRole.ADMIN
        local = self.local or usual
        return Access(
            tuple(found),
            bool(self.keys),
            None if local is LocalRole.NONE else Role(local.value),
            self.read_only,
            frozenset(host.lower() for host in self.hosts),
        )
