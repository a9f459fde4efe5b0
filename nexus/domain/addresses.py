"""Is an address ours? Loopback, private, link-local and shared address space is; the rest is not.

Pure. What a host name resolves to is for the caller to find out.
"""

from __future__ import annotations

from ipaddress import IPv6Address, ip_address
from urllib.parse import urlsplit


def is_outside(address: str) -> bool:
    """True for an IP address on the public internet, and for text that is no IP address at all.

    `100.64.0.0/10` (carrier NAT, and every Tailscale address) counts as inside.
    """
    try:
        found = ip_address(address.partition("%")[0])
    except ValueError:
        return True
    if isinstance(found, IPv6Address) and found.ipv4_mapped:
        found = found.ipv4_mapped
    return found.is_global


def host_of(url: str) -> str:
    """The host of a URL without brackets; empty where there is none."""
    try:
        return urlsplit(url).hostname or ""
    except ValueError:
        return ""
