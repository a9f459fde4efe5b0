"""Settings of `[control]`: who may see and change a running Nexus over HTTP."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Callable, Mapping
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


RoleWord = Annotated[Role, BeforeValidator(_lower)]
LocalWord = Annotated[LocalRole, BeforeValidator(_lower)]
Digest = Annotated[
    str, BeforeValidator(_lower), AfterValidator(_digest), Allowed("64 hexadecimal digits")
]


class KeyConfig(Section):
    """`[[control.keys]]`: a key for the control API and attached dashboards, one entry each."""

    name: Name = Field(
        description="Whose it is: changes are written down under it.", examples=["maria"]
    )
    role: RoleWord = Field(
        default=Role.VIEWER,
        description="`viewer` sees, `operator` also drains, checks, approves, cancels and loads, "
        "`admin` also changes backends and routing.",
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

    @model_validator(mode="after")
    def _some_secret(self) -> KeyConfig:
        if self.key_env is None and self.sha256 is None:
            raise ValueError("needs key_env or sha256")
        return self


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
            key = environ.get(each.key_env, "").strip()
            if len(key) >= SHORTEST_KEY:
                digest = hashlib.sha256(key.encode("utf-8", "surrogateescape")).digest()
                found.append(ControlKey(each.name, each.role, digest))
            else:
                why = f"has fewer than {SHORTEST_KEY} characters" if key else "is not set"
                warn(f"control key '{each.name}' opens nothing: {each.key_env} {why}")
        usual = LocalRole.NONE if self.keys else LocalRole.ADMIN
        local = self.local or usual
        return Access(
            tuple(found),
            bool(self.keys),
            None if local is LocalRole.NONE else Role(local.value),
            self.read_only,
            frozenset(host.lower() for host in self.hosts),
        )
