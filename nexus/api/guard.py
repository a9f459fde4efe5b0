"""Who is at the door of the control API, and whether a browser was talked into coming.

Asked before anything else looks at the request. Three dangers shape it. Another machine: only a key
lets it in. A page of another site in a browser of this machine: it can post forms and follow names
of its own to 127.0.0.1, so a request needs JSON where it changes something, no foreign `Origin`,
and a `Host` that no stranger can register. A proxy on this machine that speaks for others: its
callers are not on this machine.
"""

from __future__ import annotations

import hashlib
import hmac
from collections.abc import Mapping
from ipaddress import ip_address
from typing import Any, Final
from urllib.parse import urlsplit

from nexus.domain.access import Access, Role
from nexus.domain.audit import Actor
from nexus.domain.keys import holder
from nexus.domain.text import clean
from nexus.errors import Forbidden, NexusError, Unauthorized, WrongMediaType

Scope = Mapping[str, Any]

LONGEST_KEY: Final = 1024
"""Characters of a key that are looked at."""

_CHANGES: Final = ("POST", "PUT", "PATCH")
_PROXIED: Final = ("forwarded", "x-forwarded-for", "x-forwarded-host", "x-real-ip", "via")
_FRONTS: Final = {"nexus-cli": "cli", "nexus-attach": "attached dashboard"}
"""Who a caller without a key says it is."""


def admit(scope: Scope, access: Access) -> Actor:
    """On whose behalf a request is made.

    Raises:
        WrongMediaType: a change that is not declared as JSON.
        Forbidden: a foreign page, a foreign name, or a machine that would need a key.
        Unauthorized: no key where one is needed, or a wrong one.
    """
    headers = _headers(scope)
    kind = headers.get("content-type", "").partition(";")[0].strip().lower()
    if scope["method"] in _CHANGES and kind != "application/json":
        raise WrongMediaType("Send the header 'Content-Type: application/json'")
    _not_a_foreign_page(headers)
    key = _key(headers)
    if key and (access.guarded or _digest(key) in access.revoked):
        actor = _holder(key, access)
    else:
        actor = Actor(_front(headers), _local_role(scope, headers, access).value)
    return Actor(actor.who, Role.VIEWER.value) if access.read_only else actor


def _not_a_foreign_page(headers: Mapping[str, str]) -> None:
    origin = headers.get("origin")
    if origin is not None and _place(origin) != headers.get("host", "").lower():
        raise Forbidden(f"A page of {clean(origin, 100)} may not use the control API")
    site = headers.get("sec-fetch-site", "none")
    if site in ("cross-site", "same-site") and headers.get("sec-fetch-mode") != "navigate":
        raise Forbidden("A page of another site may not use the control API")


def _holder(key: str, access: Access) -> Actor:
    """Whose key it is. Looks at every key, so that time tells nothing."""
    digest, found = _digest(key), None
    for one in access.keys:
        if hmac.compare_digest(one.digest, digest):
            found = one
    if digest in access.revoked:
        raise _unauthorized("This control key was revoked")
    if found is None:
        raise _unauthorized("This control key is not known to Nexus")
    return holder(found.name, found.role)


def _digest(key: str) -> bytes:
    return hashlib.sha256(key.encode("utf-8", "surrogateescape")).digest()


def _local_role(scope: Scope, headers: Mapping[str, str], access: Access) -> Role:
    """What a caller without a key may do."""
    here = _is_here(scope) and not any(name in headers for name in _PROXIED)
    if here and access.local is not None:
        if not _harmless_name(headers.get("host", ""), access):
            raise Forbidden(
                f"Nexus is not known as '{clean(headers.get('host', ''), 100)}' here: call it by "
                "its address or as localhost, or put the name into control.hosts"
            )
        return access.local
    if access.guarded:
        raise _unauthorized(
            "The control API needs a key: send 'Authorization: Bearer <key>' "
            "(nexus: --key-file or NEXUS_CONTROL_KEY)"
        )
    raise Forbidden(
        "The control API answers only callers on its own machine until [[control.keys]] are "
        "configured (or come over SSH)"
    )


def _is_here(scope: Scope) -> bool:
    """Whether the connection comes from this machine; one without an address is a local socket."""
    client = scope.get("client")
    if not client:
        return True
    try:
        address = ip_address(str(client[0]).partition("%")[0])
    except ValueError:
        return False
    mapped = getattr(address, "ipv4_mapped", None)
    return (mapped or address).is_loopback


def _harmless_name(host: str, access: Access) -> bool:
    """Whether `Host` is something that a stranger cannot make point at this machine."""
    try:
        name = (urlsplit(f"//{host}").hostname or "").rstrip(".")
    except ValueError:
        return False
    if name == "localhost" or name.endswith(".localhost") or name in access.hosts:
        return True
    try:
        ip_address(name.partition("%")[0])
    except ValueError:
        return False
    return True


def _key(headers: Mapping[str, str]) -> str:
    scheme, _, key = headers.get("authorization", "").partition(" ")
    return key.strip()[:LONGEST_KEY] if scheme.lower() == "bearer" else ""


def _front(headers: Mapping[str, str]) -> str:
    return _FRONTS.get(headers.get("user-agent", "").partition("/")[0], "api")


def _place(origin: str) -> str:
    """Host and port of an origin; never the same as a `Host` where it has none."""
    try:
        return urlsplit(origin).netloc.lower() or "null"
    except ValueError:
        return "null"


def _headers(scope: Scope) -> dict[str, str]:
    """By name; of one that is sent twice, all, so that no second one goes unseen."""
    found: dict[str, str] = {}
    for name, value in scope["headers"]:
        key, text = name.decode("latin-1").lower(), value.decode("latin-1")
        found[key] = f"{found[key]}, {text}" if key in found else text
    return found


def _unauthorized(sentence: str) -> NexusError:
    error = Unauthorized(sentence)
    error.lines = b'www-authenticate: Bearer realm="nexus control"\r\n'
    return error
