"""`nexus attach` with the real binary on a terminal, over gateways that come and go."""

from __future__ import annotations

import contextlib
import hashlib
import json
import os
import signal
import subprocess
import sys
import time
import urllib.request
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from tests.fakes.gateway import free_port
from tests.fakes.terminal import ROOT, Program, on_terminal

ONE = '[[backends]]\nname = "first-box"\nurl = "http://127.0.0.1:1"\n'
TWO = ONE + '[[backends]]\nname = "second-box"\nurl = "http://127.0.0.1:2"\n'
KEY = "0123456789abcdef-of-a-viewer"
DIGEST = hashlib.sha256(KEY.encode()).hexdigest()
KEYS = f"""
[[control.keys]]
name = "wall"
role = "viewer"
sha256 = "{DIGEST}"
"""


class Gateway:
    """`nexus serve --no-tui` on a port that stays the same."""

    def __init__(self, home: Path) -> None:
        self.port = free_port()
        self.url = f"http://127.0.0.1:{self.port}"
        self._home = home
        self.child: subprocess.Popen[bytes] | None = None

    def start(self, config: str) -> None:
        file = self._home / "nexus.toml"
        file.write_text(config)
        env = {key: value for key, value in os.environ.items() if not key.startswith("NEXUS_")}
        arguments = ["serve", "--no-tui", "--no-discovery", "--config", str(file)]
        self.child = subprocess.Popen(
            [sys.executable, "-m", "nexus", *arguments, "--port", str(self.port)],
            cwd=ROOT,
            env=env | {"HOME": str(self._home), "XDG_STATE_HOME": str(self._home)},
            stderr=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
        )
        limit = time.monotonic() + 30
        while True:
            with contextlib.suppress(OSError):
                self.get("/health")
                return
            assert time.monotonic() < limit
            assert self.child.poll() is None

    def edit(self, config: str) -> None:
        """Write another configuration, as an editor does."""
        new = self._home / "nexus.toml.new"
        new.write_text(config)
        new.replace(self._home / "nexus.toml")

    def get(self, path: str) -> Any:
        with urllib.request.urlopen(self.url + path, timeout=5) as reply:
            return json.loads(reply.read())

    def end(self, number: signal.Signals = signal.SIGKILL) -> None:
        if self.child is not None:
            self.child.send_signal(number)
            self.child.wait(15)
            self.child = None


@contextlib.contextmanager
def serving(home: Path, config: str = ONE) -> Iterator[Gateway]:
    gateway = Gateway(home)
    gateway.start(config)
    try:
        yield gateway
    finally:
        gateway.end()


@contextlib.contextmanager
def attached(gateway: Gateway, home: Path, *more: str, **environ: str) -> Iterator[Program]:
    with on_terminal("attach", gateway.url, *more, home=home, NEXUS_TOUR="0", **environ) as program:
        yield program


def test_the_dashboard_of_a_running_gateway_is_shown_and_leaving_it_leaves_the_gateway(
    tmp_path: Path,
) -> None:
    with serving(tmp_path) as gateway, attached(gateway, tmp_path) as screen:
        screen.until("first-box")
        screen.type("c")  # check now
        screen.until("was checked")
        screen.type("q")

        assert screen.end() == 0
        assert screen.output.endswith(b"\x1b[?1004l") or b"\x1b[?1049l" in screen.output
        assert gateway.get("/health")["service"] == "nexus"
        (change,) = gateway.get("/nexus/v1/backends")["backends"]
        assert change["name"] == "first-box"


def test_a_gateway_that_is_killed_and_starts_anew_is_followed_by_itself(tmp_path: Path) -> None:
    with serving(tmp_path) as gateway, attached(gateway, tmp_path) as screen:
        screen.until("first-box")
        screen.forget()
        gateway.end(signal.SIGKILL)
        screen.until("connection lost")
        screen.until("reconnecting in")
        screen.forget()
        gateway.start(TWO)
        screen.until("second-box")
        screen.type("q")

        assert screen.end() == 0


def test_a_gateway_that_stops_in_order_does_not_wait_for_who_is_attached(tmp_path: Path) -> None:
    with serving(tmp_path) as gateway, attached(gateway, tmp_path) as screen:
        screen.until("first-box")
        gateway.end(signal.SIGTERM)
        screen.until("connection lost")
        screen.type("q")

        assert screen.end() == 0


def test_a_key_from_a_file_opens_it_and_its_role_decides_what_is_offered(tmp_path: Path) -> None:
    file = tmp_path / "key"
    file.write_text(KEY + "\n")
    with serving(tmp_path, ONE + KEYS) as gateway:
        with attached(gateway, tmp_path, "--key-file", str(file)) as screen:
            screen.until("first-box")
            screen.type("q")
            assert screen.end() == 0
            assert "d drain" not in screen.text
        with attached(gateway, tmp_path) as refused:
            assert refused.end() == 1
            assert "needs a key" in refused.text
        with attached(gateway, tmp_path, NEXUS_CONTROL_KEY="not-the-key") as wrong:
            assert wrong.end() == 1
            assert "not known to Nexus" in wrong.text


def test_a_key_that_is_taken_away_ends_what_it_had_opened(tmp_path: Path) -> None:
    with (
        serving(tmp_path, ONE + KEYS) as gateway,
        attached(gateway, tmp_path, NEXUS_CONTROL_KEY=KEY) as screen,
    ):
        screen.until("first-box")
        gateway.edit(ONE + KEYS.replace(DIGEST, DIGEST[::-1]))
        screen.until("This control key was revoked")
        screen.forget()
        gateway.edit(ONE + KEYS)
        screen.until("1 down")
        screen.type("q")

        assert screen.end() == 0


def test_nobody_there_is_one_sentence_and_no_dashboard(tmp_path: Path) -> None:
    with on_terminal("attach", "http://127.0.0.1:1", home=tmp_path) as program:
        assert program.end() == 1
        assert program.text.strip().startswith("Error: No Nexus answers at http://127.0.0.1:1")
        assert b"\x1b[?1049h" not in program.output


def test_without_a_terminal_it_says_so() -> None:
    done = subprocess.run(
        [sys.executable, "-m", "nexus", "attach", "http://127.0.0.1:1"],
        cwd=ROOT,
        capture_output=True,
        text=True,
        stdin=subprocess.DEVNULL,
        timeout=60,
        check=False,
    )

    assert done.returncode == 1
    assert "needs a terminal" in done.stderr


def test_a_port_that_another_nexus_has_is_an_offer_to_look_at_that_one(tmp_path: Path) -> None:
    with serving(tmp_path) as gateway:
        port = ("--port", str(gateway.port))
        with on_terminal(*port, home=tmp_path) as screen:
            screen.until(f"A Nexus runs at {gateway.url} already. Show its dashboard? [Y/n]")
            screen.type("n\r")
            assert screen.end() == 2
            assert f"`nexus attach {gateway.url}` shows it" in screen.text
        with on_terminal(*port, home=tmp_path, NEXUS_TOUR="0") as screen:
            screen.until("[Y/n]")
            screen.type("\r")
            screen.until("first-box")
            screen.type("q")
            assert screen.end() == 0
        assert gateway.get("/health")["service"] == "nexus"
