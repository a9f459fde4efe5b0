"""A client that shows bytes: what an SDK would hide or repair."""

from __future__ import annotations

import asyncio
import json
from dataclasses import dataclass
from urllib.parse import urlsplit


@dataclass(frozen=True)
class Reply:
    """One answer as it came."""

    status: int
    headers: dict[str, str]
    body: bytes
    """Transfer coding removed."""
    complete: bool
    """False when the connection was cut before the framing said so."""

    def json(self) -> dict[str, object]:
        return json.loads(self.body)

    def error(self) -> dict[str, object]:
        """The OpenAI error object; fails the test where there is none of that shape."""
        error = self.json()["error"]
        assert isinstance(error, dict)
        assert {"message", "type", "param", "code"} <= set(error)
        return error


CHAT = "/v1/chat/completions"


def request(
    path: str = CHAT,
    body: object = None,
    *,
    method: str = "POST",
    headers: str = "content-type: application/json\r\n",
    raw: bytes | None = None,
) -> bytes:
    """The bytes of a request."""
    data = raw if raw is not None else json.dumps(body).encode() if body is not None else b""
    first = f"{method} {path} HTTP/1.1\r\nhost: localhost\r\n"
    return f"{first}{headers}content-length: {len(data)}\r\n\r\n".encode() + data


def chat(**more: object) -> dict[str, object]:
    """A small chat request for model `m`."""
    return {"model": "m", "messages": [{"role": "user", "content": "hi"}], **more}


class Client:
    """One connection."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.reader = reader
        self.writer = writer

    @classmethod
    async def to(cls, url: str) -> Client:
        parts = urlsplit(url)
        assert parts.hostname is not None
        return cls(*await asyncio.open_connection(parts.hostname, parts.port))

    def send(self, data: bytes) -> None:
        self.writer.write(data)

    async def reply(self, *, head: bool = False) -> Reply:
        """Read one answer; `head` when it answers a HEAD request."""
        async with asyncio.timeout(15):
            status, headers = await self.head()
            if head or status in (204, 304):
                return Reply(status, headers, b"", True)
            try:
                return Reply(status, headers, await self._body(headers), True)
            except asyncio.IncompleteReadError as cut:
                return Reply(status, headers, cut.partial, False)

    async def head(self) -> tuple[int, dict[str, str]]:
        text = (await self.reader.readuntil(b"\r\n\r\n")).decode("latin-1")
        first, *lines = text.split("\r\n")
        headers = {
            name.lower(): value.strip()
            for name, _, value in (line.partition(":") for line in lines if line)
        }
        return int(first.split(" ")[1]), headers

    async def _body(self, headers: dict[str, str]) -> bytes:
        if headers.get("transfer-encoding") == "chunked":
            body = b""
            while True:
                try:
                    piece = await self.chunk()
                except asyncio.IncompleteReadError:
                    raise asyncio.IncompleteReadError(body, None) from None
                if not piece:
                    return body
                body += piece
        if "content-length" in headers:
            return await self.reader.readexactly(int(headers["content-length"]))
        return await self.reader.read(-1)

    async def chunk(self) -> bytes:
        """One piece of a chunked body; empty at its end."""
        size = int((await self.reader.readuntil(b"\r\n"))[:-2], 16)
        return (await self.reader.readexactly(size + 2))[:-2]

    def close(self) -> None:
        self.writer.close()


async def ask(url: str, data: bytes, *, head: bool = False) -> Reply:
    """One request on a connection of its own."""
    client = await Client.to(url)
    try:
        client.send(data)
        return await client.reply(head=head)
    finally:
        client.close()
