"""What keeping requests costs, and how soon a hundred thousand of them answer a question."""

from __future__ import annotations

import itertools
import random
import tempfile
import time
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

from nexus.domain.audit import AuditEntry
from nexus.domain.backend import BackendId, Load, Speed
from nexus.domain.decision import Decision
from nexus.domain.events import RequestFinished
from nexus.domain.history import Metric, Outcome, Wanted
from nexus.domain.policy import Policy
from nexus.explain.account import account
from nexus.explain.what_if import what_if
from nexus.routing.router import decide
from nexus.store.book import Book
from nexus.store.schema import open_writer
from nexus.store.store import Store
from nexus.telemetry.records import Record, Records
from tests.bench.tables import Row, show
from tests.fakes.fleets import large_fleet, needs

COUNT = 100_000
AT_ONCE = 4000
"""Records put before the writer is waited for: fewer than its queue holds."""
NOW = time.time()


def requests(count: int, per_model: int, span_s: float) -> list[Record]:
    """Requests of the time until now, each decided among `per_model` backends.

    Args:
        span_s: from the first to the last, seconds.
    """
    chance = random.Random(7)
    seen, policy = large_fleet(2 * per_model, 20, per_model), Policy()
    records = Records(time.time, kept=count + 1)
    loads = {
        id: Load(
            chance.randrange(9),
            latency_ms=chance.random() * 900,
            speeds={f"model-{n}": Speed(chance.random() * 500, 40.0, 9) for n in range(20)},
        )
        for id in seen.backends
    }
    found: list[Record] = []
    for n in range(count):
        wanted = needs(f"model-{n % 20}", prompt_tokens=n % 4000, stream=n % 2 == 0)
        answer = decide(wanted, seen, loads, policy, turn=n)
        assert isinstance(answer, Decision)
        made = records.decided(f"req-0badcafe-{n:06x}", wanted, seen, loads, policy, n, answer)
        made.at = NOW - span_s + span_s * n / count
        face = answer.order[0].backend.face
        before = loads[face.id]
        speed = Speed(chance.random() * 500, 40.0, n % 900)
        speeds = {**(before.speeds or {}), wanted.model: speed}
        loads[face.id] = replace(before, pending=(before.pending + 1) % 9, speeds=speeds)
        records.ended(
            RequestFinished(
                made.request_id,
                made.at + 1,
                wanted.model,
                wanted.model,
                face.id,
                face.name,
                face.type,
                answer.reason,
                answer.why,
                wanted.stream,
                502 if n % 50 == 0 else 200,
                "closed the connection" if n % 50 == 0 else "",
                ttft_ms=chance.random() * 300,
                duration_ms=chance.random() * 3000,
                prompt_tokens=n % 4000,
                completion_tokens=200,
                tokens_per_s=40.0,
            )
        )
        found.append(made)
    return found


def cost(folder: Path, per_model: int) -> list[Row]:
    """CPU and bytes of one record."""
    records = requests(20_000, per_model, 20)
    path = folder / f"of-{per_model}.db"
    store = Store(path)
    store.start()
    store.flush()
    put_s = 0.0
    began = time.process_time()
    for start in range(0, len(records), AT_ONCE):
        before = time.thread_time()
        for record in records[start : start + AT_ONCE]:
            store.put(record)
        put_s += time.thread_time() - before
        store.flush(60)
    all_s = time.process_time() - began
    store.close()
    size = path.stat().st_size
    began = time.process_time()
    for record in itertools.islice(records, 200):
        account(record)
    told_s = (time.process_time() - began) / 200
    title = f"{per_model} candidates: "
    alone_us, merged_us, alone, merged = one_by_one(folder / f"slow-{per_model}.db", records[:4000])
    return [
        (f"{title}on the event loop", f"{put_s / len(records) * 1e6:.1f} us", "< 15 us"),
        (f"{title}in all", f"{all_s / len(records) * 1e6:.0f} us", ""),
        (f"{title}its account, made when asked", f"{told_s * 1e6:.0f} us", ""),
        (f"{title}on the disk", f"{size / len(records):.0f} bytes", ""),
        (f"{title}one by one, in all", f"{alone_us:.0f} us, and {merged_us:.0f} us later", ""),
        (f"{title}one by one, on the disk", f"{alone:.0f} bytes, later {merged:.0f}", ""),
    ]


def one_by_one(path: Path, records: list[Record]) -> tuple[float, float, float, float]:
    """CPU and bytes of a request that comes alone, then once it is in a chunk with others.

    Returns:
        Microseconds of each, then bytes of each.
    """
    connection = open_writer(path)
    book = Book(connection, 30, 10**9)
    told: list[float] = []

    def size() -> float:
        connection.executescript("PRAGMA incremental_vacuum(100000)")
        connection.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchall()
        return path.stat().st_size / len(records)

    began = time.process_time()
    for record in records:
        book.add([record], (), NOW, time.time)
    told.append((time.process_time() - began) / len(records) * 1e6)
    before = size()
    began = time.process_time()
    while book.merge(time.time):
        pass
    told.append((time.process_time() - began) / len(records) * 1e6)
    after = size()
    book.close()
    return told[0], told[1], before, after


def questions(folder: Path) -> list[Row]:
    """Milliseconds of each question, the worst of a few."""
    store = Store(folder / "many.db")
    store.start()
    records = requests(COUNT, 4, 86_400)
    for start in range(0, COUNT, AT_ONCE):
        for record in records[start : start + AT_ONCE]:
            store.put(record)
        store.flush(60)
    for n in range(1000):
        store.audit(AuditEntry(NOW + n, "cli", "admin", "drain", "gpu-0001"))
    store.flush(60)
    middle = records[COUNT // 2].request_id

    def told() -> object:
        found = store.record(middle)
        assert found is not None
        return account(found)

    past, policy = store.columns(0), Policy()
    fleet = large_fleet(8, 20, 4)
    lost = [BackendId("gpu-0001")]
    asked: dict[str, Callable[[], object]] = {
        "one by its id, with its account": told,
        "the last 100": lambda: store.recent(100),
        "100 in the middle": lambda: store.recent(100, before=middle),
        "100 of a model": lambda: store.recent(100, Wanted(model="model-7")),
        "the 2,000 that failed": lambda: store.recent(5000, Wanted(outcome=Outcome.ERROR)),
        "a text that is nowhere": lambda: store.recent(100, Wanted(text="nowhere")),
        "slower than any": lambda: store.recent(100, Wanted(min_duration_ms=1e9)),
        "all since a day, for a what-if": lambda: store.columns(0),
        "a what-if over them, beside that": lambda: what_if(past, fleet, policy, policy, lost),
        "a backend's p95 by the minute": lambda: store.series(
            Metric.LATENCY_P95, NOW - 86_400, 60, backend="gpu-0001"
        ),
        "all requests by the minute": lambda: store.series(Metric.REQUESTS, NOW - 86_400, 60),
        "all requests by the hour": lambda: store.series(Metric.REQUESTS, NOW - 86_400, 3600),
        "the last 100 changes": lambda: store.changes(100),
    }
    rows: list[Row] = []
    for name, ask in asked.items():
        times: list[float] = []
        for _ in range(5):
            began = time.perf_counter()
            ask()
            times.append(time.perf_counter() - began)
        best, worst = min(times) * 1000, max(times) * 1000
        rows.append((name, f"{best:.1f} to {worst:.1f} ms", "< 200 ms"))
    store.close()
    return rows


def main() -> None:
    """Print both tables."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        show("Keeping one request", [*cost(folder, 3), *cost(folder, 20)])
        show(f"Asking {COUNT:,} requests", questions(folder))


if __name__ == "__main__":
    main()
