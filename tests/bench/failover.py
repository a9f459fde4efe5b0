"""One of two backends is killed, or stopped, under 100 requests a second, half of them streamed.

What counts are requests that had no byte of an answer when it happened: none of them may fail, and
being sent again may cost a killed backend's requests 50 ms. A stopped one is noticed only by its
silence, so there the first-byte timeout is the least that can be added. Streams that had begun end
in an error event, which is the best that can be done for them.

Run as `python -m tests.bench failover`. Prints; asserts nothing.
"""

from __future__ import annotations

import asyncio
import os
import signal
import time
from dataclasses import dataclass

from tests.bench.load import request
from tests.bench.payloads import DONE, chat_body
from tests.bench.processes import Running, nexus, upstream
from tests.bench.tables import Row, show

RATE, LEAD_S, AFTER_S = 100, 3.0, 5.0
THINK_MS, GAP_MS, CHUNKS = 100, 5, 40
SILENCE_S = 1.0
"""The first-byte timeout of the gateway."""

now = time.perf_counter


@dataclass
class Sent:
    """One request and what became of it. Moments of `now`; 0 where it did not happen."""

    began: float
    stream: bool
    first_byte: float = 0.0
    ended: float = 0.0
    status: int = 0
    whole: bool = False
    told: bool = False
    """A stream that broke ended in an error event."""
    moved: bool = False

    @property
    def waited_ms(self) -> float:
        return (self.first_byte - self.began) * 1000


async def _ask(port: int, sent: Sent) -> None:
    try:
        reader, writer = await asyncio.open_connection("127.0.0.1", port)
        writer.write(request(port, chat_body(stream=sent.stream)))
        head = await reader.readuntil(b"\r\n\r\n")
        sent.status = int(head[9:12])
        sent.moved = b"\r\nx-nexus-tried:" in head.lower()
        body = await reader.read(1)
        sent.first_byte = now()
        if sent.stream and sent.status == 200:
            while not body.endswith(b"\r\n0\r\n\r\n") and (more := await reader.read(65536)):
                body += more
            sent.whole = DONE in body
            sent.told = b'data: {"error"' in body
        else:
            length = int(head.lower().partition(b"content-length:")[2].split(b"\r\n")[0])
            body += await reader.readexactly(length - 1)
            sent.whole = True
        writer.close()
    except (OSError, ValueError, asyncio.IncompleteReadError):
        pass
    sent.ended = now()


async def _load(port: int, act: int, victim: Running) -> tuple[list[Sent], float]:
    """What was sent, and the moment at which the victim got the signal `act`."""
    all_sent: list[Sent] = []
    began, happened = now(), 0.0
    async with asyncio.TaskGroup() as group:
        for n in range(int((LEAD_S + AFTER_S) * RATE)):
            due = began + n / RATE
            await asyncio.sleep(max(0.0, due - now()))
            if not happened and now() - began > LEAD_S:
                os.kill(victim.popen.pid, act)
                happened = now()
            all_sent.append(Sent(now(), stream=bool(n % 2)))
            group.create_task(_ask(port, all_sent[-1]), name=f"request {n}")
    return all_sent, happened


def _percentile(values: list[float], share: float) -> float:
    ordered = sorted(values) or [0.0]
    return ordered[min(len(ordered) - 1, int(len(ordered) * share))]


def _measure(act: signal.Signals, strategy: str) -> tuple[list[Row], str]:
    extra = f"[server]\nfirst_byte_timeout_seconds = {SILENCE_S}\nidle_timeout_seconds = 2\n"
    extra += f'[routing]\nstrategy = "{strategy}"\n'
    answers = {"gap_ms": GAP_MS, "chunks": CHUNKS, "think_ms": THINK_MS}
    with upstream(1, **answers) as victim, upstream(1, **answers) as other:
        with nexus([victim.port, other.port], extra=extra) as server:
            time.sleep(1)  # both have been checked
            all_sent, happened = asyncio.run(_load(server.port, act, victim))
        if act is signal.SIGSTOP:
            os.kill(victim.popen.pid, signal.SIGCONT)
    usual = _percentile([s.waited_ms for s in all_sent if s.ended and s.ended < happened], 0.5)
    unbegun = [s for s in all_sent if not s.first_byte or s.first_byte > happened]
    caught = [s for s in unbegun if s.began < happened]
    failed = [s for s in unbegun if s.status != 200 or not s.whole]
    moved = [s.waited_ms for s in unbegun if s.moved]
    begun = [s for s in all_sent if s.first_byte and s.first_byte <= happened and not s.whole]
    rows: list[Row] = [
        ("without a first byte at that moment, or sent later", f"{len(unbegun)}", ""),
        ("of these, on their way at that moment", f"{len(caught)}", ""),
        ("failed", f"{len(failed)}", "0"),
        ("sent again", f"{len(moved)}", ""),
    ]
    if act is signal.SIGKILL:
        # What an answer takes by itself is not added by the failover; the time until the kill is.
        own = [(s, usual + max(0.0, happened - s.began) * 1000) for s in unbegun if s.moved]
        late = [max(0.0, s.waited_ms - own_ms) for s, own_ms in own]
        worst = f"{_percentile(late, 0.5):.0f} / {max(late, default=0.0):.0f} ms"
        rows.append(("added to them, median / worst", worst, "< 50 ms"))
    else:
        worst = f"{_percentile(moved, 0.5):.0f} / {max(moved, default=0.0):.0f} ms"
        rows.append(("their first byte after, median / worst", worst, f"{SILENCE_S:g} s and more"))
    rows.append(("streams that had begun, and told of the end", _told(begun), "all"))
    return rows, f"{len(all_sent)} requests"


def _told(begun: list[Sent]) -> str:
    return f"{sum(s.told for s in begun)} of {len(begun)}"


def main() -> None:
    for act, what in ((signal.SIGKILL, "killed"), (signal.SIGSTOP, "stopped")):
        for strategy in ("smart", "round_robin"):
            rows, count = _measure(act, strategy)
            title = f"Failover: one of two backends {what} at {RATE} requests/s, {strategy}"
            show(f"{title}, {count}", rows)
