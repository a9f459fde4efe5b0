"""Switches that make a simulated server misbehave while it runs.

Tests set them on `SimServer.faults`; the server reads them once per request, when it arrives.
"""

from __future__ import annotations

from dataclasses import dataclass, fields


@dataclass(slots=True)
class Faults:
    """All off by default. Several may be on; the earlier in this list wins."""

    inference_only: bool = False
    """Spare every request but those that post to be answered by a model."""
    garbage: bool = False
    """Bytes that are not HTTP, then the end."""
    close_before_reply: bool = False
    """Read the request, then close without a byte."""
    stall_before_reply: bool = False
    """Read the request, then say nothing. The client has to give up."""
    status: int | None = None
    """Answer with this status and the dialect's error shape."""
    retry_after_s: int | None = None
    """`Retry-After` of that error."""
    not_json: bool = False
    """200 with an HTML page, as a captive portal or a wrong port answers."""
    stall_after: int | None = None
    """Fall silent after so many events of a stream (0: after the head)."""
    cut_after: int | None = None
    """End the connection after so many events of a stream."""
    cut_inside_event: bool = False
    """When cutting, send the first half of one more event before."""
    cut_hard: bool = False
    """Cut with a reset instead of an orderly end."""
    gzip: bool = False
    """Compress answers and say so."""
    slow: float = 1.0
    """Every wait takes so many times longer."""

    def clear(self) -> None:
        """Behave again."""
        for field in fields(self):
            setattr(self, field.name, field.default)
