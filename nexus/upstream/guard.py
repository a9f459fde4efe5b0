"""The privacy zone where it matters: no socket is opened or used again outside a request's zone.

Decisions plan within the zone already. The guard does not trust them: it looks at the backend that
a connection belongs to and at the address it really leads to.

- A request bound to `restricted` gets no connection of an open backend.
- A restricted backend's address must be loopback, private, link-local, unique-local or shared
  (100.64/10), unless the operator chose its zone by name: then the operator's word counts. A host
  name is resolved, *every* address is looked at, and the connection goes to an address that was.
- A request that may go anywhere is not looked at, but counted.

Redirects are never followed, and never passed on: a client would take its prompt there.
"""

from __future__ import annotations

from nexus.domain.addresses import is_outside
from nexus.domain.backend import Zone
from nexus.errors import ZoneViolation


class Guard:
    """Counts sockets by zone and breaches. One for all pools."""

    def __init__(self) -> None:
        self.opened: dict[Zone, int] = dict.fromkeys(Zone, 0)
        """Connections opened since start, by where they lead: `open` is outside our network or
        an open backend."""
        self.breaches = 0
        """Connections that were refused."""

    def check(self, name: str, zone: Zone, allowed: Zone) -> None:
        """Refuse what lies outside the allowed zone.

        Args:
            name: the backend's, for the sentence.
            zone: of the backend, or of the model on it where that is further out.

        Raises:
            ZoneViolation: it would leave the zone.
        """
        if allowed is Zone.RESTRICTED and zone is not Zone.RESTRICTED:
            raise self.breach(f"Backend '{name}' is in zone {zone.value}")

    def check_addresses(self, name: str, host: str, addresses: list[str]) -> None:
        """Refuse a restricted backend that leads out of our network. Fails closed.

        Raises:
            ZoneViolation: one of the addresses is outside, or there is none.
        """
        far = next((each for each in addresses if is_outside(each)), None)
        if far is not None:
            how = "is" if far == host else f"resolves to {far},"
            raise self.breach(f"Backend '{name}' is restricted, and {host} {how} outside")

    def breach(self, what: str) -> ZoneViolation:
        """Count it, and make the error to raise."""
        self.breaches += 1
        return ZoneViolation(
            f"{what}: this request is restricted, and was not sent there",
            should_retry=False,
            retry_after_s=30,
        )
