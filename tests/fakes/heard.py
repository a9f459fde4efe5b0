"""A sink for upstream connections that writes everything down and fails on a broken promise."""

from __future__ import annotations

from dataclasses import dataclass, field

from nexus.errors import NexusError


@dataclass
class Heard:
    """A sink that writes everything down."""

    status: int = 0
    lines: bytes = b""
    length: int | None = None
    kind: bytes = b""
    encoding: bytes = b""
    pieces: list[bytes] = field(default_factory=list)
    done: bool = False
    error: NexusError | None = None

    @property
    def body(self) -> bytes:
        return b"".join(self.pieces)

    def on_head(
        self, status: int, lines: bytes, length: int | None, kind: bytes, encoding: bytes
    ) -> None:
        assert not self.status
        self.status, self.lines, self.length = status, lines, length
        self.kind, self.encoding = kind, encoding

    def on_data(self, data: bytes) -> None:
        assert self.status
        assert not self.done
        self.pieces.append(data)

    def on_whole(
        self, status: int, lines: bytes, kind: bytes, encoding: bytes, body: bytes
    ) -> None:
        self.on_head(status, lines, len(body), kind, encoding)
        self.on_data(body)
        self.on_done()

    def on_done(self) -> None:
        assert not self.done
        assert self.error is None
        self.done = True

    def on_failed(self, error: NexusError) -> None:
        assert not self.done
        assert self.error is None
        self.error = error
