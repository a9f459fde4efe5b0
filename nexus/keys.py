"""Keys of the control plane while Nexus runs: listed, made, revoked; when each was used last.

A key is told once, to whoever makes it. What is kept is its SHA-256, in the configuration file or,
where that cannot be written, in memory. Every change is one of the configuration's text
(`nexus.config.live`), so it is in force at once and an edit of the routes does not lose it.
"""

from __future__ import annotations

import asyncio
import hashlib
import secrets
from collections.abc import Callable, Mapping
from dataclasses import replace
from datetime import UTC, datetime
from ipaddress import ip_address
from typing import TYPE_CHECKING, Final

from nexus.config.keys import seen, version, with_key, without_key
from nexus.config.live import LiveText
from nexus.domain.audit import Actor
from nexus.domain.keys import (
    LONGEST_NAME,
    KeyGone,
    KeyImpact,
    KeyMade,
    Keyring,
    KeySeen,
    NewKey,
    creation,
    key_of,
    revocation,
)
from nexus.domain.text import clean
from nexus.errors import BadRequest, Conflict, NotFound, Outdated
from nexus.telemetry.logs import get_logger

if TYPE_CHECKING:
    from nexus.config.settings import NexusConfig

log = get_logger("nexus.config")

PREFIX: Final = "nxk_"
"""What every key made here begins with, so that one that leaked is recognised."""
RANDOM_BYTES: Final = 32

_NO_DIGEST: Final = "0" * 64
"""Of a key that is only tried out."""


def _new_key() -> str:
    return PREFIX + secrets.token_urlsafe(RANDOM_BYTES)


class KeyEdits:
    """See the module.

    Args:
        live: the configuration's text.
        environ: where keys in variables are looked up.
        unix: Unix seconds.
        make: a key that nobody can guess.
    """

    def __init__(
        self,
        live: LiveText,
        environ: Mapping[str, str],
        unix: Callable[[], float],
        make: Callable[[], str] = _new_key,
    ) -> None:
        self._live = live
        self._environ = environ
        self._unix = unix
        self._make = make
        self._used: dict[str, float] = {}
        self._in_memory: set[str] = set()
        """Keys made here that no file has."""

    def used(self, who: Actor) -> None:
        """Somebody came; remembered for a key."""
        if name := key_of(who):
            self._used[name] = self._unix()

    def ring(self, who: Actor) -> Keyring:
        """All keys, as `who` may see them."""
        control = self._live.config.control
        mine = key_of(who)
        unkept = self._live.unkept
        found = seen(control, self._environ, self._in_memory if unkept else ())
        keys = tuple(
            replace(key, last_used=self._used.get(key.name), yours=key.name == mine)
            for key in found
        )
        access = control.access(self._environ)
        return Keyring(keys, access.local, access.read_only, version(control), unkept)

    async def preview(self, new: NewKey, who: Actor) -> KeyImpact:
        """What making a key would do, or why it cannot be."""
        now = version(self._live.config.control)
        try:
            new = self._checked(new)
            config = await self._would_be(self._edited(new, _NO_DIGEST))
        except (BadRequest, Conflict) as error:
            return KeyImpact(problems=(error.message,), version=now)
        before, after = self._live.config.control, config.control
        access = before.access(self._environ), after.access(self._environ)
        return replace(creation(new, *access, who, self._only_here()), version=now)

    async def create(self, new: NewKey) -> KeyMade:
        """Make a key.

        Raises:
            BadRequest: it cannot be called that.
            Conflict: another one is.
            Outdated: the keys were changed meanwhile.
        """
        async with self._live.lock:
            new = self._checked(new)
            self._still(new.version)
            key = self._make()
            digest = hashlib.sha256(key.encode()).hexdigest()
            config, unkept = await self._put(self._edited(new, digest))
            if unkept:
                self._in_memory.add(new.name)
        log.info("control key %s was made, for the role %s", clean(new.name), new.role.value)
        return KeyMade(new.name, new.role, key, version(config.control), unkept)

    async def preview_revoke(self, name: str, who: Actor) -> KeyImpact:
        """What revoking a key would do.

        Raises:
            NotFound: there is none of that name.
        """
        key = self._found(name, who)
        config = await self._would_be(without_key(self._live.text(), key.name))
        now = self._live.config.control
        access = now.access(self._environ), config.control.access(self._environ)
        ago = "" if key.last_used is None else _span(self._unix() - key.last_used)
        return replace(revocation(key, *access, who, ago), version=version(now))

    async def revoke(self, name: str, made_from: str, who: Actor) -> tuple[KeySeen, KeyGone]:
        """Take a key away: the key as it was, and what is left to say.

        Raises:
            NotFound: there is none of that name.
            Outdated: the keys were changed since that version.
        """
        async with self._live.lock:
            key = self._found(name, who)
            self._still(made_from)
            config, unkept = await self._put(without_key(self._live.text(), key.name))
            self._in_memory.discard(key.name)
            self._used.pop(key.name, None)
        log.info("control key %s was revoked", clean(key.name))
        told = "" if key.source == "memory" else unkept
        return key, KeyGone(key.name, key.role, version(config.control), told)

    # ---- one step

    def _checked(self, new: NewKey) -> NewKey:
        """The same, tidied. Raises BadRequest or Conflict."""
        name = new.name.strip()
        if not name or not name.isprintable() or len(name) > LONGEST_NAME:
            raise BadRequest(
                f"A key's name has 1 to {LONGEST_NAME} characters, none of them invisible",
                param="name",
            )
        for key in self._live.config.control.keys:
            if key.name.casefold() == name.casefold():
                raise Conflict(f"There is a key called '{clean(key.name)}' already", param="name")
        return replace(new, name=name)

    def _found(self, name: str, who: Actor) -> KeySeen:
        keys = self.ring(who).keys
        for key in keys:
            if key.name == name.strip():
                return key
        names = ", ".join(clean(key.name, 100) for key in keys) or "none"
        raise NotFound(f"No key is called '{clean(name, 100)}'. Keys: {names}")

    def _still(self, made_from: str) -> None:
        now = version(self._live.config.control)
        if made_from not in ("", now):
            raise Outdated(
                "The keys were changed meanwhile; look at them again, then repeat",
                context={"version": now},
            )

    def _edited(self, new: NewKey, digest: str) -> str:
        """The configuration's text with one key more."""
        return with_key(self._live.text(), new.name, new.role, digest, self._now())

    async def _would_be(self, text: str) -> NexusConfig:
        return await asyncio.to_thread(self._live.read, text)

    async def _put(self, text: str) -> tuple[NexusConfig, str]:
        """Put a text in force: what it says, and why it ends with the process, if it does."""
        config = await self._would_be(text)
        unkept = await self._live.put(text, config)
        if unkept:
            log.warning("the change is lost at the next start: %s", unkept)
        else:
            self._in_memory.clear()  # all that was held back is in the file now
        return config, unkept

    def _now(self) -> str:
        """In ISO 8601."""
        return f"{datetime.fromtimestamp(self._unix(), UTC):%Y-%m-%dT%H:%M:%SZ}"

    def _only_here(self) -> str:
        """The address Nexus listens on, where that is one for this machine only."""
        host = self._live.config.server.host
        try:
            return host if ip_address(host).is_loopback else ""
        except ValueError:
            return host if host == "localhost" else ""


def _span(seconds: float) -> str:
    """`4 s`, `12 min`, `3 h`, `2 days`."""
    for size, unit in ((86_400, "day"), (3600, "h"), (60, "min")):
        if seconds >= size:
            count = int(seconds // size)
            return f"{count} {unit}{'s' if unit == 'day' and count > 1 else ''}"
    return f"{max(0, int(seconds))} s"
