"""Listening to mDNS (DNS-SD), and announcing on it. The only home of zeroconf.

zeroconf costs 4 MB and is imported when somebody browses or announces, not before. Where it does
not work (no permission, no network, not installed) Nexus says so once and goes on without.
"""

from __future__ import annotations

import asyncio
import contextlib
import importlib
from collections.abc import AsyncGenerator, Callable, Mapping, Sequence
from ipaddress import ip_address
from typing import TYPE_CHECKING, Protocol

from nexus.discovery.candidate import Candidate, Ignored
from nexus.discovery.records import Record, instance_name, read
from nexus.errors import NexusError
from nexus.standins import stand_ins
from nexus.telemetry.logs import get_logger

if TYPE_CHECKING:
    from zeroconf import ServiceStateChange, Zeroconf
    from zeroconf.asyncio import AsyncServiceBrowser, AsyncServiceInfo, AsyncZeroconf

log = get_logger("nexus.discovery")

RESOLVE_MS = 3000
RESOLVERS = 4
MOST_DUE = 512
"""Announcements that may wait to be resolved; more at once is a flood."""
INTERFACES_S = 30.0
"""How often interfaces that came or went are noticed (a laptop that joins a network)."""


class Ears(Protocol):
    """Who is told: `nexus.discovery.scout.Scout`."""

    def sighted(self, candidate: Candidate) -> None: ...
    def ignored(self, what: Ignored) -> None: ...
    def lost(self, key: str, why: str) -> None: ...


class MdnsUnavailable(NexusError):
    """mDNS cannot be used on this machine now."""


class MdnsBrowser:
    """Browses service types and tells what comes, changes and goes.

    Args:
        ears: who is told.
        services: `_ollama._tcp.local.`, ...
        is_nexus: whether address and port are where this Nexus listens.
        interfaces: addresses of the interfaces to use; none means all.
    """

    def __init__(
        self,
        ears: Ears,
        services: Sequence[str],
        is_nexus: Callable[[str, int], bool],
        *,
        interfaces: Sequence[str] = (),
    ) -> None:
        self._ears = ears
        self._services = tuple(dict.fromkeys(services))
        self._is_nexus = is_nexus
        self._interfaces = tuple(interfaces)
        self._due: dict[str, str] = {}
        """Instance to its service, in the order of arrival."""
        self._news = asyncio.Event()
        self._flooded = False
        self.problem = ""
        """Why nothing is heard, if so."""
        self.listening = asyncio.Event()
        """Set when browsing has begun, or has failed."""

    async def run(self) -> None:
        """Listen until cancelled. Returns early, with a warning, where mDNS is not available."""
        try:
            zeroconf = await _open(self._interfaces)
        except MdnsUnavailable as error:
            self.problem = error.message
            log.warning("mDNS is off: %s; servers are found by other ways", error.message)
            self.listening.set()
            return
        browsers = self._browse(zeroconf)
        self.listening.set()
        try:
            async with asyncio.TaskGroup() as group:
                for number in range(RESOLVERS):
                    group.create_task(self._resolve(zeroconf.zeroconf), name=f"mdns {number}")
                if not self._interfaces:
                    group.create_task(_follow_interfaces(zeroconf), name="mdns interfaces")
        finally:
            for browser in browsers:
                await browser.async_cancel()
            await zeroconf.async_close()

    def _browse(self, zeroconf: AsyncZeroconf) -> list[AsyncServiceBrowser]:
        """One browser a type: a type that cannot be browsed does not silence the others."""
        from zeroconf.asyncio import AsyncServiceBrowser

        browsers: list[AsyncServiceBrowser] = []
        for service in self._services:
            try:
                browsers.append(
                    AsyncServiceBrowser(zeroconf.zeroconf, service, handlers=[self._heard])
                )
            except Exception as problem:  # noqa: BLE001 - of a library, over configured text
                log.error("mDNS: %s cannot be browsed: %s", service, problem)  # noqa: TRY400
        return browsers

    def _heard(
        self,
        zeroconf: Zeroconf,
        service_type: str,
        name: str,
        state_change: ServiceStateChange,
    ) -> None:
        """Called by zeroconf in this loop."""
        if state_change.name == "Removed":
            self._due.pop(name, None)
            self._ears.lost(f"mdns {name.lower()}", "its mDNS announcement is gone")
        elif len(self._due) < MOST_DUE or name in self._due:
            self._due[name] = service_type
            self._news.set()
        elif not self._flooded:
            self._flooded = True
            log.warning("mDNS: more announcements than can be read; some are ignored")

    async def _resolve(self, zeroconf: Zeroconf) -> None:
        while True:
            while not self._due:
                self._news.clear()
                await self._news.wait()
            name = next(iter(self._due))
            service = self._due.pop(name)
            try:
                await self._read(zeroconf, service, name)
            except Exception as problem:  # noqa: BLE001 - a record may be anything
                log.warning("mDNS: an announcement cannot be read (%s)", type(problem).__name__)

    async def _read(self, zeroconf: Zeroconf, service: str, name: str) -> None:
        from zeroconf import BadTypeInNameException
        from zeroconf.asyncio import AsyncServiceInfo

        try:
            info = AsyncServiceInfo(service, name)
        except BadTypeInNameException:
            self._refuse(service, name, "has a name that no service may have")
            return
        if not info.load_from_cache(zeroconf) and not await info.async_request(
            zeroconf, RESOLVE_MS
        ):
            self._refuse(service, name, "does not say where")
            return
        found = read(_record(service, name, info), self._is_nexus)
        if isinstance(found, Ignored):
            log.debug("mDNS: %s %s", found.name, found.why)
            self._ears.ignored(found)
        else:
            self._ears.sighted(found)

    def _refuse(self, service: str, name: str, why: str) -> None:
        shown = instance_name(Record(name, service, None, ())) or "(no name)"
        self._ears.ignored(Ignored(f"mdns {name.lower()}", shown, why))


def _record(service: str, name: str, info: AsyncServiceInfo) -> Record:
    return Record(name, service, info.port, info.parsed_scoped_addresses(), info.properties)


async def _open(interfaces: Sequence[str]) -> AsyncZeroconf:
    """Sockets for mDNS; IPv4 alone where IPv6 does not work. Raises MdnsUnavailable."""
    try:
        # In a thread: it takes 16 ms, and requests are being served.
        await asyncio.to_thread(_import)
        from zeroconf import InterfaceChoice, IPVersion
        from zeroconf.asyncio import AsyncZeroconf
    except ImportError as problem:
        raise MdnsUnavailable(f"zeroconf cannot be imported ({problem})") from None
    get_logger("zeroconf").setLevel("CRITICAL")  # others' malformed packets are not our news
    chosen = list(interfaces) or InterfaceChoice.All
    versions = (None,) if interfaces else (IPVersion.All, IPVersion.V4Only)
    why = ""
    for version in versions:
        zeroconf: AsyncZeroconf | None = None
        try:
            zeroconf = AsyncZeroconf(interfaces=chosen, ip_version=version)
            await zeroconf.zeroconf.async_wait_for_start()
        except Exception as problem:  # noqa: BLE001 - of a library, over the machine's interfaces
            why = str(problem) or type(problem).__name__
            if zeroconf is not None:
                with contextlib.suppress(Exception):
                    await zeroconf.async_close()
        else:
            return zeroconf
    raise MdnsUnavailable(why)


def _import() -> None:
    """Import zeroconf, and with it ifaddr, which would ask a child process for the C library.

    What asks it takes 11 ms and brings shutil and its archives, 0.6 MB, to find what is loaded.
    """
    importlib.import_module("ctypes")
    with stand_ins({"ctypes.util": {"find_library": _this_process}}):
        importlib.import_module("zeroconf.asyncio")


def _this_process(name: str) -> None:
    """No library of its own, and so this process, which has C's."""


async def _follow_interfaces(zeroconf: AsyncZeroconf) -> None:
    while True:
        await asyncio.sleep(INTERFACES_S)
        try:
            await zeroconf.async_update_interfaces()
        except Exception as problem:  # noqa: BLE001 - of a library, over the machine's interfaces
            log.debug("mDNS: interfaces cannot be followed: %s", problem)


def own_addresses() -> tuple[str, ...]:
    """This machine's addresses on its networks: no loopback, no link-local ones."""
    _import()
    import ifaddr  # comes with zeroconf

    found: list[str] = []
    for adapter in ifaddr.get_adapters():
        for ip in adapter.ips:
            text = ip.ip if isinstance(ip.ip, str) else ip.ip[0]
            address = ip_address(text)
            if not address.is_loopback and not address.is_link_local:
                found.append(str(address))
    return tuple(sorted(dict.fromkeys(found), key=lambda one: ":" in one))


@contextlib.asynccontextmanager
async def announcing(
    service: str,
    name: str,
    port: int,
    addresses: Sequence[str],
    texts: Mapping[str, str],
    *,
    interfaces: Sequence[str] = (),
) -> AsyncGenerator[str]:
    """Announce a server for as long as the context is open; says goodbye at its end.

    Args:
        service: `_ollama._tcp.local.`.
        name: the instance; another is chosen where it is taken.
        addresses: numeric, where the server can be reached.
        texts: TXT keys.

    Yields:
        The full instance name in use.

    Raises:
        MdnsUnavailable: mDNS does not work here, or the announcement is not accepted.
    """
    zeroconf = await _open(interfaces)
    from zeroconf.asyncio import AsyncServiceInfo

    try:
        host = "".join(c if c.isascii() and c.isalnum() else "-" for c in name).strip("-")
        info = AsyncServiceInfo(
            service,
            f"{name}.{service}",
            port=port,
            properties=dict(texts),
            server=f"{host or 'server'}-{port}.local.",
            parsed_addresses=list(addresses),
        )
        try:
            sent = await zeroconf.async_register_service(  # pyright: ignore[reportUnknownMemberType, reportUnknownVariableType]
                info, allow_name_change=True
            )
            await sent
        except Exception as problem:
            raise MdnsUnavailable(f"{problem or type(problem).__name__}") from problem
        yield info.name
    finally:
        with contextlib.suppress(Exception):
            await zeroconf.async_unregister_all_services()
        await zeroconf.async_close()
