"""Opening one attempt: a connection, the request on it, and the head of the answer."""

from __future__ import annotations

from collections.abc import Callable

from nexus.domain.backend import Zone
from nexus.errors import UpstreamUnreachable
from nexus.proxy.passage import Passage
from nexus.upstream.pool import Pool


async def attempt(
    pool: Pool,
    path: str,
    body: bytes,
    *,
    now: Callable[[], float],
    total_ends: float,
    allowed: Zone,
    zone: Zone,
    lines: bytes = b"",
) -> Passage:
    """Send the request and wait for the response head.

    A kept connection that the server closed in the same moment is replaced by a new one, once: no
    byte of an answer has come, and this is the one failure that keep-alive itself causes.

    Args:
        pool: of the backend.
        path: below the backend's base URL.
        body: the JSON to post.
        now: loop seconds.
        total_ends: loop seconds at which everything must be over.
        allowed: how far out the request may go.
        zone: of the model it goes to.
        lines: further header lines, each ended by CRLF.

    Raises:
        ZoneViolation: the request would leave its zone; nothing has been sent.
        UpstreamUnreachable, UpstreamTimeout, UpstreamBroken: no head came.
    """
    pool.admit(allowed, zone)
    request = pool.request(path, body, lines)
    timeouts = pool.timeouts
    connection = pool.idle(allowed)
    while True:
        reused = connection is not None
        if connection is None:
            connection = await pool.connect(allowed, total_ends)
        passage = Passage(connection, now)
        try:
            connection.send(
                request,
                passage,
                first_byte_s=timeouts.first_byte_s,
                idle_s=timeouts.idle_s,
                total_ends=total_ends,
            )
            while not passage.status and passage.error is None:
                await passage.event()
        except BaseException:  # the client left, or we are stopping: nobody works for nobody
            passage.abort()
            raise
        if passage.error is None or passage.status:
            return passage
        if not (reused and isinstance(passage.error, UpstreamUnreachable)):
            raise passage.error
        connection = None
