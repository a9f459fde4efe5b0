"""The kinds of value that settings are made of: bounded numbers, words, names, addresses, globs.

A kind says what it accepts in two ways that must agree: its constraints, and the words of `Allowed`
(or the words `nexus.config.describe` derives from the constraints). Numbers are strict: TOML has
types, so `port = "8000"` is a mistake and not a number.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from enum import StrEnum
from ipaddress import IPv4Address, IPv6Address
from typing import Annotated

from pydantic import AfterValidator, BeforeValidator, Field

from nexus.domain.backend import BackendType, Zone
from nexus.domain.hosts import Trust, read_host
from nexus.domain.logline import LogLevel
from nexus.domain.policy import Strategy
from nexus.domain.request import Endpoint
from nexus.domain.traffic import Privacy
from nexus.domain.urls import normalise


@dataclass(frozen=True, slots=True)
class Allowed:
    """What a kind accepts, in words for the report and the reference."""

    text: str


class LogFormat(StrEnum):
    """How a log line looks."""

    PRETTY = "pretty"
    JSON = "json"


class HardLimitAction(StrEnum):
    """What happens when the month's budget is spent."""

    WARN = "warn"
    BLOCK_CLOUD = "block_cloud"
    BLOCK_ALL = "block_all"


def _lower(value: object) -> object:
    return value.strip().lower() if isinstance(value, str) else value


def _stripped(value: object) -> object:
    return value.strip() if isinstance(value, str) else value


def _matching(pattern: str, complaint: str) -> Callable[[str], str]:
    """A validator for text that must match all of `pattern`."""
    compiled = re.compile(pattern)

    def check(value: str) -> str:
        if not compiled.fullmatch(value):
            raise ValueError(complaint)
        return value

    return check


def _printable(value: str) -> str:
    if not value or not value.isprintable() or len(value) > 200:
        raise ValueError("1 to 200 characters, no control characters")
    return value


def _host(value: str) -> str:
    if "://" in value:
        raise ValueError("only the host, without http://; the port has its own key")
    if re.fullmatch(r"[A-Za-z0-9._-]+", value) or _is_ipv6(value):
        return value
    raise ValueError("an IP address or a host name, such as 127.0.0.1, ::1 or localhost")


def _is_ipv6(value: str) -> bool:
    try:
        return bool(IPv6Address(value))
    except ValueError:
        return False


def _service(value: str) -> str:
    if not re.fullmatch(r"_[A-Za-z0-9-]+\._(tcp|udp)\.local\.?", value):
        raise ValueError("a DNS-SD service type, such as _ollama._tcp.local")
    return value.rstrip(".") + "."


def _entry(value: str) -> str:
    read_host(value)
    return value


def _address(value: str) -> str:
    if _is_ipv6(value) or _is_ipv4(value):
        return value
    raise ValueError("an IP address of this machine, such as 192.168.1.5")


def _is_ipv4(value: str) -> bool:
    try:
        return bool(IPv4Address(value))
    except ValueError:
        return False


ENDPOINTS = {each.name.lower(): each for each in Endpoint}
"""The relayed paths by the words that name them."""

_CREDENTIALS = {"authorization", "proxy-authorization", "cookie", "x-api-key", "api-key"}


def _header(name: str) -> str:
    """A header's name, as it is written."""
    if not re.fullmatch(r"[A-Za-z0-9!#$%&'*+.^_`|~-]{1,100}", name):
        raise ValueError("a header's name, such as X-Team")
    if name.lower() in _CREDENTIALS:
        raise ValueError("keys are not for policies to read; name the tenant instead")
    return name


def _listed(value: object) -> object:
    """One word stands for a list of it."""
    return [value] if isinstance(value, str) else value


def _endpoint(value: str) -> str:
    """`chat`, in any case."""
    word = value.strip().lower()
    if word not in ENDPOINTS:
        raise ValueError(f"allowed: {', '.join(ENDPOINTS)}")
    return word


def check_glob(pattern: str) -> str:
    """Return a usable glob: `*` any text, `?` one character, `[abc]`, `[a-z]`, `[!a-z]`.

    Raises ValueError with a sentence: a policy that matches nothing protects nothing.
    """
    _printable(pattern)
    at = pattern.find("[")
    while at != -1:
        start = at + 2 if pattern[at + 1 : at + 2] == "!" else at + 1
        end = pattern.find("]", start + 1)
        if end == -1:
            raise ValueError(
                f"the [ at character {at + 1} is never closed (write [[] for a plain [)"
            )
        for low, high in re.findall(r"(.)-(.)", pattern[start:end]):
            if low > high:
                raise ValueError(f"the range {low}-{high} is backwards and matches nothing")
        at = pattern.find("[", end + 1)
    return pattern


Switch = Annotated[bool, Field(strict=True)]
Count = Annotated[int, Field(strict=True, ge=1, le=1_000_000)]
CountOrOff = Annotated[int, Field(strict=True, ge=0, le=1_000_000)]
Port = Annotated[int, Field(strict=True, ge=1, le=65535)]
Tier = Annotated[int, Field(strict=True, ge=1, le=5)]
Percent = Annotated[int, Field(strict=True, ge=0, le=100)]
Percentage = Annotated[float, Field(strict=True, ge=0, le=100)]
Interval = Annotated[float, Field(strict=True, ge=1, le=86_400)]
"""Seconds between two rounds of something that repeats."""
Timeout = Annotated[float, Field(strict=True, ge=0.01, le=86_400)]
"""Seconds to wait for something."""
Patience = Annotated[float, Field(strict=True, ge=0, le=86_400)]
"""Seconds to wait, where not waiting makes sense."""
Money = Annotated[float, Field(strict=True, ge=0, allow_inf_nan=False)]
"""US dollars."""

StrategyWord = Annotated[Strategy, BeforeValidator(_lower)]
ZoneWord = Annotated[Zone, BeforeValidator(_lower)]
BackendTypeWord = Annotated[BackendType, BeforeValidator(_lower)]
LogLevelWord = Annotated[LogLevel, BeforeValidator(_lower)]
LogFormatWord = Annotated[LogFormat, BeforeValidator(_lower)]
TrustWord = Annotated[Trust, BeforeValidator(_lower)]
PrivacyWord = Annotated[Privacy, BeforeValidator(_lower)]
HardLimitWord = Annotated[HardLimitAction, BeforeValidator(_lower)]

Host = Annotated[
    str, BeforeValidator(_stripped), AfterValidator(_host), Allowed("IP address or host name")
]
Name = Annotated[
    str,
    BeforeValidator(_stripped),
    AfterValidator(_printable),
    Allowed("text, 1 to 200 characters, no control characters"),
]
Url = Annotated[str, AfterValidator(normalise), Allowed("an http:// or https:// URL")]
Glob = Annotated[
    str, BeforeValidator(_stripped), AfterValidator(check_glob), Allowed("a glob: `*` `?` `[a-z]`")
]
TenantGlobs = Annotated[
    tuple[Glob, ...],
    BeforeValidator(_listed),
    Allowed('a glob or a list of globs, ["acme", "team-*"]'),
]
EndpointWords = Annotated[
    tuple[Annotated[str, AfterValidator(_endpoint)], ...],
    BeforeValidator(_listed),
    Allowed("one or a list of " + ", ".join(ENDPOINTS)),
]
HeaderGlobs = Annotated[
    Mapping[Annotated[str, AfterValidator(_header)], Glob],
    Allowed('a table of header = glob, { "X-Team" = "research*" }'),
]
VariableName = Annotated[
    str,
    AfterValidator(
        _matching(
            r"[A-Za-z_][A-Za-z0-9_]*",
            "the name of an environment variable (letters, digits, _), never the key itself",
        )
    ),
    Allowed("the name of an environment variable, never the key itself"),
]
HostToScan = Annotated[
    str,
    BeforeValidator(_stripped),
    AfterValidator(_entry),
    Allowed("a host, host:port or private network, `gpu-01`, `10.0.0.5:8080`, `192.168.1.0/24`"),
]
Address = Annotated[
    str, BeforeValidator(_stripped), AfterValidator(_address), Allowed("an IP address")
]
ServiceType = Annotated[
    str, AfterValidator(_service), Allowed("a DNS-SD service type, such as _ollama._tcp.local")
]
