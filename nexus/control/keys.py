"""The keys of the control plane: for admins."""

from __future__ import annotations

from nexus.control.asks import KeyEdits
from nexus.control.ledger import Ledger
from nexus.control.rights import needed
from nexus.domain.access import Role
from nexus.domain.audit import Actor, actor
from nexus.domain.keys import KeyGone, KeyImpact, KeyMade, Keyring, NewKey
from nexus.errors import Conflict


class Keys:
    """See the module.

    Args:
        edits: makes and revokes; None where keys cannot be seen or changed.
        ledger: told of changes.
    """

    def __init__(self, edits: KeyEdits | None, ledger: Ledger) -> None:
        self._edits = edits
        self._ledger = ledger

    def came(self, who: Actor) -> None:
        """Somebody was let in over HTTP."""
        if self._edits is not None:
            self._edits.used(who)

    async def ring(self) -> Keyring:
        """The keys of the control plane, without what opens anything."""
        return self._may("see the keys").ring(actor())

    async def preview(self, new: NewKey) -> KeyImpact:
        """What making a key would do, or why it cannot be."""
        return await self._may("make a key").preview(new, actor())

    async def create(self, new: NewKey) -> KeyMade:
        """Make a key, which is told this once.

        Raises:
            BadRequest: it cannot be called that.
            Conflict: another one is.
            Outdated: the keys were changed meanwhile.
        """
        made = await self._may("make a key").create(new)
        self._ledger.enter("keys create", made.name, None, {"role": made.role.value})
        return made

    async def preview_revoke(self, name: str) -> KeyImpact:
        """What revoking a key would do.

        Raises:
            NotFound: there is none of that name.
        """
        return await self._may("revoke a key").preview_revoke(name, actor())

    async def revoke(self, name: str, version: str = "") -> KeyGone:
        """Take a key away at once: whoever uses it is shut out.

        Args:
            version: of the keyring that was looked at; empty makes it whatever happened since.

        Raises:
            NotFound: there is none of that name.
            Outdated: the keys were changed meanwhile.
        """
        key, gone = await self._may("revoke a key").revoke(name, version, actor())
        before = {"role": key.role.value} | ({"key_env": key.variable} if key.variable else {})
        self._ledger.enter("keys revoke", gone.name, before, None)
        return gone

    def _may(self, deed: str) -> KeyEdits:
        needed(Role.ADMIN, deed)
        if self._edits is None:
            raise Conflict("This Nexus cannot change its keys")
        return self._edits
