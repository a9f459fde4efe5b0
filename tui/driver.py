"""A terminal driver that never blocks the gateway and never outlives its terminal.

Three faults of the stock driver, each seen to stop a server that shares the loop:
- its output queue blocks when the terminal stops reading (a stalled connection): here frames are
  dropped instead, and the screen is painted anew once the terminal reads again;
- a hung-up terminal reads as end-of-file for ever and spins a thread: here the terminal is
  watched, and the dashboard leaves;
- Ctrl+Z stops the whole process: here it does nothing.
"""

from __future__ import annotations

import os
import queue
import select
import signal
import threading
from collections.abc import Callable
from typing import IO, TYPE_CHECKING, Any

from textual.drivers._writer_thread import WriterThread
from textual.drivers.linux_driver import LinuxDriver

from tui.leave import Leave

if TYPE_CHECKING:
    from textual.app import App

CHUNK = 4096
"""Bytes per write: a terminal that accepts some takes this much without blocking for long."""
WATCH_S = 0.5


class SafeWriter(WriterThread):
    """Output thread whose `write` never waits."""

    def __init__(self, file: IO[str], recovered: Callable[[], None]) -> None:
        super().__init__(file)
        self._recovered = recovered
        self._leaving = threading.Event()
        self.dropped = 0
        """Writes thrown away since the terminal last kept up."""

    @property
    def backlog(self) -> int:
        """Writes waiting for the terminal."""
        return self._queue.qsize()

    def write(self, text: str) -> None:
        try:
            self._queue.put_nowait(text)
        except queue.Full:
            self.dropped += 1

    def run(self) -> None:
        fd = self._file.fileno()
        while (text := self._queue.get()) is not None:
            if not self._send(fd, text.encode("utf-8", "replace")):
                return
            if self.dropped and self._queue.empty():
                self.dropped = 0
                self._recovered()

    def _send(self, fd: int, data: bytes) -> bool:
        """Write it all; False when the terminal is gone, or silent while we are leaving."""
        view = memoryview(data)
        while view:
            try:
                _, ready, _ = select.select([], [fd], [], WATCH_S)
                if ready:
                    view = view[os.write(fd, view[:CHUNK]) :]
                elif self._leaving.is_set():
                    return False
            except BlockingIOError:
                continue
            except (OSError, ValueError):
                return False
        return True

    def stop(self) -> None:
        """Write what is queued if the terminal takes it, then end; wait two seconds at most."""
        self._leaving.set()
        while True:
            try:
                self._queue.put_nowait(None)
                break
            except queue.Full:
                try:
                    self._queue.get_nowait()
                except queue.Empty:
                    continue
        self.join(2)


class SafeDriver(LinuxDriver):
    """LinuxDriver with the safe writer and a watched terminal."""

    def __init__(
        self,
        app: App[Any],
        *,
        debug: bool = False,
        mouse: bool = True,
        size: tuple[int, int] | None = None,
    ) -> None:
        super().__init__(app, debug=debug, mouse=mouse, size=size)  # pyright: ignore[reportUnknownMemberType]
        self._watching: threading.Thread | None = None
        self._done = threading.Event()
        self.has_terminal = False
        """True from taking the terminal until it is given back."""

    @property
    def backlog(self) -> int:
        """Writes waiting for the terminal; frames are skipped while there are any."""
        writer = self._writer_thread
        return writer.backlog if isinstance(writer, SafeWriter) else 0

    @property
    def can_suspend(self) -> bool:
        return False

    def _sigtstp_application(self, *_: object) -> None:
        """Ctrl+Z must not stop the gateway."""

    def _sigcont_application(self, *_: object) -> None:
        """We never stopped; the screen may have been written over."""
        self._recover()

    def start_application_mode(self) -> None:
        self.has_terminal = True
        super().start_application_mode()
        stock = self._writer_thread
        if stock is None:
            return
        # The stock writer has written the first sequences; the safe one does the rest.
        stock.stop()
        writer = SafeWriter(self._file, self._recover)  # pyright: ignore[reportArgumentType]
        writer.start()
        self._writer_thread = writer
        signal.signal(signal.SIGTSTP, signal.SIG_IGN)
        self._done.clear()
        self._watching = threading.Thread(target=self._watch, name="nexus-tty", daemon=True)
        self._watching.start()

    def _recover(self) -> None:
        loop = self._app._loop  # pyright: ignore[reportPrivateUsage]
        if loop is not None:
            loop.call_soon_threadsafe(self._app.screen.refresh)

    def _watch(self) -> None:
        """`isatty` turns false at once when a terminal hangs up; reads do not tell."""
        while not self._done.wait(WATCH_S):
            if not os.isatty(self.fileno):
                self._lost()
                return

    def _lost(self) -> None:
        self.exit_event.set()
        loop = self._app._loop  # pyright: ignore[reportPrivateUsage]
        if loop is not None:
            loop.call_soon_threadsafe(self._app.exit, Leave.TERMINAL_LOST)

    def _run_input_thread(self) -> None:
        try:
            self.run_input_thread()
        except OSError:
            self._lost()

    def stop_application_mode(self) -> None:
        self._done.set()
        super().stop_application_mode()
        self.has_terminal = False
