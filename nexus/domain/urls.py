"""Backend addresses and ids as text: one spelling per server, one id per name.

Pure. Two URLs that reach the same server by the same road normalise to the same string, which is
how duplicates are found; an id is safe in a path, a header and a metric label.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, cast
from urllib.parse import quote, urlsplit
from zlib import crc32

if TYPE_CHECKING:  # its enums and dataclasses would be half the start-up time of a command
    from nexus.domain.backend import BackendId

_DEFAULT_PORTS = {"http": 80, "https": 443}
_USER = "%:!$&'()*+,;=@"
_PATH = "/%:@!$&'()*+,;="
"""What `quote` leaves as it is, beside letters and digits."""
_HOST = re.compile(r"[a-z0-9._-]+")
_BARE = re.compile(
    r"([A-Za-z0-9._-]+:[0-9]+|[0-9]+(\.[0-9]+){3}|\[[0-9a-fA-F:.]+\](:[0-9]+)?)(/.*)?"
)
"""`host:port`, an IPv4 address or an IPv6 one in brackets: what is meant is plain."""
_IPV6 = re.compile(r"[0-9a-f:.]+(%[a-z0-9._-]+)?")
_ENDPOINT = re.compile(r"(?<=/v1)/(chat/completions|completions|embeddings|models)$")
"""What people paste with the URL."""
_GEMINI = "generativelanguage.googleapis.com"
"""Its OpenAI-compatible base is `/v1beta/openai`; its facts are beside that."""
_NOT_ID = re.compile(r"[^a-z0-9._]+")


def normalise(url: str) -> str:
    """Reduce a backend URL to scheme, host, port and path prefix, all ASCII.

    `HTTP://GPU-1:80/v1/` becomes `http://gpu-1`: trailing slashes and `/v1` go, scheme and host
    become lower case, default ports are left out. `gpu-1:8000` and `10.0.0.4` are taken as http.
    Idempotent.

    Raises ValueError with a sentence that says what is wrong.
    """
    text = url.strip()
    if any(char <= " " or char == "\x7f" or char == "\\" for char in text):
        raise ValueError("a URL must not contain spaces, control characters or backslashes")
    if _BARE.fullmatch(text):
        text = f"http://{text}"
    if "://" not in text:
        example = f"http://{text}" if text else "http://localhost:11434"
        raise ValueError(f"a URL starts with http:// or https://, for example {example}")
    try:
        parts = urlsplit(text)
        host, port = parts.hostname or "", parts.port
    except ValueError as problem:
        raise ValueError(f"this is not a URL ({problem})") from None
    scheme = parts.scheme.lower()
    if scheme not in _DEFAULT_PORTS:
        raise ValueError(f"a backend is reached by http or https, not {scheme or 'nothing'}")
    if port == 0:
        raise ValueError("port 0 cannot be connected to; use 1 to 65535")
    if parts.query or parts.fragment or "?" in text or "#" in text:
        raise ValueError("a backend URL has no query and no fragment (nothing from ? or # on)")
    where = _host(host)
    if port is not None and port != _DEFAULT_PORTS[scheme]:
        where = f"{where}:{port}"
    user, at, _ = parts.netloc.rpartition("@")
    path = parts.path.rstrip("/")
    path = _ENDPOINT.sub("", path)
    if host.rstrip(".").lower() == _GEMINI:
        path = path.removesuffix("/openai").removesuffix("/v1beta").rstrip("/")
    while path.endswith("/v1"):
        path = path.removesuffix("/v1").rstrip("/")
    return f"{scheme}://{quote(user, _USER)}{at}{where}{quote(path, _PATH)}"


def _host(host: str) -> str:
    """The host as it goes into a URL: lower case, ASCII, IPv6 in brackets."""
    if ":" in host:
        if not _IPV6.fullmatch(host):
            raise ValueError(f"{host!r} is not an IPv6 address")
        return f"[{host}]"
    try:
        plain = host if host.isascii() else host.encode("idna").decode("ascii")
    except UnicodeError:
        plain = ""
    plain = plain.lower()
    if not _HOST.fullmatch(plain):
        raise ValueError("a URL names a host, for example http://localhost:11434")
    return plain


def without_userinfo(url: str) -> str:
    """The URL with any `user:password@` masked, for screens and logs. Never raises."""
    scheme, mark, rest = url.partition("://")
    if not mark:
        return url
    where, slash, path = rest.partition("/")
    _, at, host = where.rpartition("@")
    return f"{scheme}://***@{host}{slash}{path}" if at else url


def backend_id(name: str) -> BackendId:
    """The stable id of a backend's name, or of its URL where it has no name.

    Letters, digits, dots, underscores and hyphens; `GPU 1` becomes `gpu-1`,
    `http://127.0.0.1:11434` becomes `127.0.0.1-11434`. Names with other letters keep them apart by
    a checksum. Idempotent for plain names; never empty.
    """
    text = name.strip().lower().removeprefix("http://")
    slug = _NOT_ID.sub("-", text).strip("-._")
    if not slug or not text.isascii():
        slug = f"{slug or 'backend'}-{crc32(text.encode('utf-8', 'replace')):08x}"
    return cast("BackendId", slug)
