"""What an attached dashboard's stream weighs on the wire, and how late an event is on it."""

from __future__ import annotations

import contextlib
import http.client
import json
import socket
import threading
import time
import urllib.request
from statistics import median

from nexus import wire
from nexus.domain.backend import BackendStatus
from nexus.domain.events import BackendChanged, FleetSeen, LinkChanged, LoadChanged, Update
from tests.bench.processes import Running, load, nexus, upstream
from tests.bench.tables import Row, kb, show
from tui.sources.events import EventReader

RATE = 200
SECONDS = 8.0
DEEDS = 12
ROUNDS = 3


class Listener:
    """A stream that is read in a thread: bytes as they come off the socket, updates as they are."""

    def __init__(self, port: int, *, gzip: bool) -> None:
        self.bytes = 0
        self.updates = 0
        self.picture = 0
        """Bytes until the picture was whole."""
        self.kinds: dict[str, int] = {}
        self.drained = threading.Event()
        self._socket = socket.create_connection(("127.0.0.1", port))
        coding = "gzip" if gzip else "identity"
        self._socket.sendall(
            b"GET /nexus/v1/events HTTP/1.1\r\nhost: 127.0.0.1\r\naccept-encoding: %b\r\n\r\n"
            % coding.encode()
        )
        self._reader = EventReader("gzip" if gzip else "", 1 << 26)
        self._thread = threading.Thread(target=self._read, daemon=True)
        self._thread.start()

    def close(self) -> None:
        self._socket.shutdown(socket.SHUT_RDWR)
        self._thread.join(5)
        self._socket.close()

    def _read(self) -> None:
        with contextlib.suppress(http.client.IncompleteRead):  # hung up by us
            self._listen()

    def _listen(self) -> None:
        reply = http.client.HTTPResponse(self._socket)
        reply.begin()
        while data := reply.read1(65536):
            self.bytes += len(data) + 8  # and the chunk's frame
            for said in self._reader.feed(data):
                if said.kind == "message":
                    for update in wire.decode_all(said.data):
                        self._see(update)

    def _see(self, update: Update) -> None:
        self.updates += 1
        name = type(update).__name__
        self.kinds[name] = self.kinds.get(name, 0) + 1
        if isinstance(update, FleetSeen):
            self.picture = self.bytes
        elif isinstance(update, BackendChanged) and update.backend.status is BackendStatus.DRAINING:
            self.drained.set()


def _post(port: int, path: str) -> None:
    ask = urllib.request.Request(
        f"http://127.0.0.1:{port}/nexus/v1{path}",
        b"{}",
        {"content-type": "application/json"},
        method="POST",
    )
    with urllib.request.urlopen(ask, timeout=10) as reply:
        reply.read()


def _lags(gateway: Running, listener: Listener) -> list[float]:
    """Milliseconds from a wish to its effect on the stream, under load."""
    with urllib.request.urlopen(f"{gateway.url}/nexus/v1/backends", timeout=10) as reply:
        name = json.loads(reply.read())["backends"][-1]["id"]
    found: list[float] = []
    for _ in range(DEEDS):
        listener.drained.clear()
        began = time.perf_counter()
        _post(gateway.port, f"/backends/{name}/drain")
        if listener.drained.wait(5):
            found.append(1000 * (time.perf_counter() - began))
        _post(gateway.port, f"/backends/{name}/undrain")
    return found


def _weighed(gateway: Running, *, gzip: bool) -> tuple[float, float, Listener, list[float]]:
    """Bytes a second at rest and under load, and how late events are."""
    listener = Listener(gateway.port, gzip=gzip)
    time.sleep(1.5)
    before = listener.bytes
    time.sleep(SECONDS)
    rest = (listener.bytes - before) / SECONDS
    flags = {"rate": RATE, "connections": 16, "warm": 1, "seconds": SECONDS + 6}
    with load(gateway.port, "open", **flags) as told:
        next(told)
        before, began = listener.bytes, time.perf_counter()
        time.sleep(SECONDS)
        busy = (listener.bytes - before) / (time.perf_counter() - began)
        lags = _lags(gateway, listener)
        list(told)
    listener.close()
    return rest, busy, listener, lags


def _share(gateway: Running) -> float:
    """Percent of a core that the gateway takes under load."""
    with load(gateway.port, "open", rate=RATE, connections=16, warm=1, seconds=SECONDS + 1) as told:
        next(told)
        before, began = gateway.cpu_s(), time.perf_counter()
        time.sleep(SECONDS)
        share = 100 * (gateway.cpu_s() - before) / (time.perf_counter() - began)
        list(told)
    return share


def _costs(gateway: Running) -> Row:
    """What one attached dashboard costs the gateway.

    Not interleaved: events are kept for two minutes after a stream has ended.
    """
    alone = [_share(gateway) for _ in range(ROUNDS)]
    listener = Listener(gateway.port, gzip=True)
    shared = [_share(gateway) for _ in range(ROUNDS)]
    listener.close()
    one, both = median(alone), median(shared)
    told = f"{both:.1f} - {one:.1f} = {both - one:.1f} % of a core"
    return (f"the gateway at {RATE} requests/s, attached - alone", told, "")


def main() -> None:
    rows: list[Row] = []
    with upstream() as backends, nexus(backends.ports) as gateway:
        costs = _costs(gateway)
        for gzip in (True, False):
            rest, busy, listener, lags = _weighed(gateway, gzip=gzip)
            how = "gzip" if gzip else "plain"
            goal = "< 20 kB/s" if gzip else ""
            rows += [
                (f"{how}: the picture", kb(listener.picture), ""),
                (f"{how}: at rest", f"{kb(rest)}/s", ""),
                (f"{how}: {RATE} requests/s", f"{kb(busy)}/s", goal),
            ]
            if gzip:
                late = f"{median(lags):.0f} ms, worst of {len(lags)} {max(lags):.0f} ms"
                rows.append(("a wish until its effect is on the stream", late, "< 300 ms"))
                ended = listener.kinds.get("RequestFinished", 0)
                loads = listener.kinds.get(LoadChanged.__name__, 0)
                rows.append(("updates: requests, loads", f"{ended}, {loads}", ""))
                assert LinkChanged.__name__ not in listener.kinds
    rows.append(costs)
    show("An attached dashboard's stream, 20 backends", rows)


if __name__ == "__main__":
    main()
