"""A server in a thread that gives prepared answers, for code that blocks while it asks."""

from __future__ import annotations

import contextlib
import threading
from collections.abc import Generator, Mapping
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

Answer = tuple[int, bytes]
"""Status and body."""


class Answers:
    """What was asked so far, and where."""

    def __init__(self, url: str) -> None:
        self.url = url
        self.asked: list[tuple[str, str]] = []
        self.headers: list[Mapping[str, str]] = []


@contextlib.contextmanager
def answering(answers: Mapping[str, Answer], *, name: str = "fake/1") -> Generator[Answers]:
    """Serve `answers` by path on a free loopback port; 404 with an HTML body elsewhere.

    `PATCH /path` goes before `/path`; a path with a query is looked up with it, then without.
    """

    class Handler(BaseHTTPRequestHandler):
        server_version = name
        sys_version = ""

        def do_GET(self) -> None:  # http.server's name
            seen.asked.append((self.command, self.path))
            seen.headers.append(dict(self.headers.items()))
            self.rfile.read(int(self.headers.get("Content-Length", 0)))
            nothing = (404, b"<html>nothing</html>")
            plain = self.path.partition("?")[0]
            named = (f"{self.command} {self.path}", self.path, plain)
            status, body = next((answers[each] for each in named if each in answers), nothing)
            self.send_response(status)
            if 300 <= status < 400:
                self.send_header("Location", "http://127.0.0.1:1/")
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        do_POST = do_PUT = do_PATCH = do_DELETE = do_GET  # noqa: N815 # http.server's names

        def log_message(self, *_: object) -> None:
            """Say nothing."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    seen = Answers(f"http://127.0.0.1:{server.server_port}")
    thread = threading.Thread(target=server.serve_forever, args=(0.02,), name="answers")
    thread.start()
    try:
        yield seen
    finally:
        server.shutdown()
        thread.join()
        server.server_close()
