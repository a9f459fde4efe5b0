"""The output thread: a terminal that does not read never blocks who writes."""

from __future__ import annotations

import os
import threading

from tui.driver import CHUNK, SafeWriter


def test_writing_to_a_terminal_that_stands_still_returns_at_once_and_recovers() -> None:
    reader, writer = os.pipe()
    os.set_blocking(writer, False)
    recovered = threading.Event()
    with os.fdopen(writer, "w") as file, os.fdopen(reader, "rb", buffering=0) as out:
        thread = SafeWriter(file, recovered.set)
        thread.start()
        for _ in range(200):
            thread.write("x" * CHUNK)
        assert thread.dropped > 0
        assert thread.backlog > 0
        os.set_blocking(reader, False)
        while not recovered.wait(0.01):
            out.read(65536)
        thread.write("the end")
        thread.stop()
        rest = b""
        while chunk := out.read(65536):
            rest += chunk
        assert rest.endswith(b"the end")


def test_stopping_does_not_wait_for_a_terminal_that_never_reads() -> None:
    reader, writer = os.pipe()
    os.set_blocking(writer, False)
    with os.fdopen(writer, "w") as file, os.fdopen(reader, "rb"):
        thread = SafeWriter(file, lambda: None)
        thread.start()
        for _ in range(100):
            thread.write("x" * CHUNK)
        thread.stop()
        assert not thread.is_alive()


def test_a_terminal_that_is_gone_ends_the_thread() -> None:
    reader, writer = os.pipe()
    os.close(reader)
    with os.fdopen(writer, "w") as file:
        thread = SafeWriter(file, lambda: None)
        thread.start()
        thread.write("anybody?")
        thread.join(10)
        assert not thread.is_alive()
