"""Names that attack a terminal, from a server and from clients, through the real program."""

from __future__ import annotations

import json
import signal
import socket
from pathlib import Path

from tests.fakes.answers import answering
from tests.fakes.gateway import free_port
from tests.fakes.terminal import BLINDING, Program, foreign, on_terminal

EVIL = f"x\x1b]0;owned\x07\x9b31m\u202ey{BLINDING}\x1bc"
BODY = {"messages": [{"role": "user", "content": "Hello"}]}


def raw(port: int, model: str) -> bytes:
    """Ask with headers that no HTTP library would send."""
    body = json.dumps(BODY | {"model": model, "user": EVIL}).encode()
    evil = b"x\x9b31m\xc2\x9b31m" + "\u202ey".encode()  # no door lets an escape through here
    head = (
        b"POST /v1/chat/completions HTTP/1.1\r\nHost: h\r\nConnection: close\r\n"
        b"Content-Type: application/json\r\nContent-Length: %d\r\n" % len(body)
    )
    for name in (
        b"User-Agent",
        b"X-Request-Id",
        b"X-Nexus-Tenant",
        b"X-Session-Id",
        b"traceparent",
    ):
        head += name + b": " + evil + b"\r\n"
    with socket.create_connection(("127.0.0.1", port), 10) as client:
        client.sendall(head + b"\r\n" + body)
        said = b""
        while piece := client.recv(65536):
            said += piece
    return said


def seen(program: Program, key: str, text: str) -> None:
    """Type, until that is shown; keep what was written."""
    program.type(key)
    program.until(text)


def test_what_servers_and_clients_say_never_commands_the_terminal(tmp_path: Path) -> None:
    listed = [
        {"id": each, "object": "model", "owned_by": EVIL} for each in ("good", "odd[/b]", EVIL)
    ]
    models = {"object": "list", "data": listed}
    wrong = {"error": {"message": EVIL, "type": EVIL, "code": EVIL}}
    answers = {
        "/v1/models": (200, json.dumps(models).encode()),
        "POST /v1/chat/completions": (400, json.dumps(wrong).encode()),
    }
    port = free_port()
    with answering(answers, name=EVIL.replace("\x1b", "")[:8]) as server:
        config = tmp_path / "nexus.toml"
        config.write_text(f'[[backends]]\nname = "evil"\nurl = "{server.url}"\ntype = "generic"\n')
        options = ("serve", "--no-discovery", "--config", str(config), "--port", str(port))
        with on_terminal(*options, home=tmp_path, NEXUS_TOUR="0") as program:
            program.until("1/1 healthy")
            said = [raw(port, model) for model in ("good", "no[/b]body", EVIL)]
            assert [each[9:12] for each in said] == [b"400", b"404", b"400"]
            seen(program, "4", "no[/b]body")
            program.type("\r")
            for page in ("2", "5", "6", "7", "3"):
                seen(program, page, f"[{page} ")
            program.until("odd[/b]")
            seen(program, "7\r", "Log line")
            program.child.send_signal(signal.SIGTERM)
            assert program.end() == 0
            assert "Traceback" not in program.text
            assert not foreign(program.output)
