import json
import socket
import threading

import pytest

from nexus.cli import client
from nexus.cli.client import Gateway, NoAnswer, Refused
from tests.fakes.answers import answering
from tests.fakes.gateway import free_port

HEALTH = (200, b'{"service": "nexus"}')
PATH = "/nexus/v1/backends"


def error(message: object, code: object = "not_found") -> bytes:
    return json.dumps({"error": {"message": message, "code": code}}).encode()


def test_nobody_there_says_how_to_start_one() -> None:
    url = f"http://127.0.0.1:{free_port()}"
    with pytest.raises(NoAnswer) as caught:
        Gateway(url).get("/health")
    assert caught.value.message == (
        f"No Nexus answers at {url}. Start one with `nexus`, or name another with --url"
    )


def test_errors_of_nexus_are_its_own_words_made_harmless() -> None:
    with answering({PATH: (404, error("no \x1b[2J backend")), "/health": HEALTH}) as server:
        with pytest.raises(Refused) as caught:
            Gateway(server.url).get(PATH)
        assert caught.value.message == "no �[2J backend"
        assert caught.value.code == "not_found"


@pytest.mark.parametrize(
    "answer",
    [
        (404, b'{"detail": "Not Found"}'),
        (404, error("File Not Found", 404)),
        (200, b"<html>hello</html>"),
        (200, b"[" * 100_000),
        (200, b"[1]"),
        (301, b""),
        (500, b""),
    ],
)
def test_another_server_on_the_port_is_told_apart(answer: tuple[int, bytes]) -> None:
    with (
        answering({PATH: answer}, name="llama\x1b.cpp") as server,
        pytest.raises(NoAnswer, match=r"Something else than Nexus answers at .*'llama�.cpp'"),
    ):
        Gateway(server.url).get(PATH)


def test_a_nexus_that_answers_nonsense_is_not_called_something_else() -> None:
    with (
        answering({PATH: (500, b"oops"), "/health": HEALTH}) as server,
        pytest.raises(Refused, match="answered 500 without saying why"),
    ):
        Gateway(server.url).get(PATH)


@pytest.mark.parametrize(
    ("reply", "said"),
    [
        (b"SSH-2.0-OpenSSH_9.2\r\n", "does not speak HTTP"),
        (b"", "No Nexus answers"),
        (b"HTTP/1.1 200 OK\r\nContent-Length: 50\r\n\r\n{", "Something else than Nexus"),
    ],
)
def test_whatever_listens_there_ends_in_a_sentence(reply: bytes, said: str) -> None:
    with socket.create_server(("127.0.0.1", 0)) as listener:

        def serve() -> None:
            for _ in range(2):  # a doubtful answer is followed by a second question
                try:
                    connection, _ = listener.accept()
                except OSError:
                    return
                with connection:
                    connection.recv(65536)
                    connection.sendall(reply)

        thread = threading.Thread(target=serve, name="listener")
        thread.start()
        try:
            with pytest.raises(NoAnswer, match=said):
                Gateway(f"http://127.0.0.1:{listener.getsockname()[1]}").get(PATH)
        finally:
            listener.shutdown(socket.SHUT_RDWR)
            thread.join()


def test_a_server_that_never_answers_is_left_in_time() -> None:
    with (
        socket.create_server(("127.0.0.1", 0)) as listener,
        pytest.raises(NoAnswer, match=r"within 0\.05 s"),
    ):
        Gateway(f"http://127.0.0.1:{listener.getsockname()[1]}", 0.05).get("/health")


def test_an_endless_body_is_not_read_to_its_end(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(client, "LARGEST_BYTES", 1 << 20)
    with (
        answering({"/health": (200, b" " * (1 << 21))}) as server,
        pytest.raises(NoAnswer, match="more than 1 MB"),
    ):
        Gateway(server.url).get("/health")


def test_a_prefix_and_credentials_of_the_url_are_used_and_the_password_never_shown() -> None:
    with answering({"/gate/health": HEALTH}) as server:
        url = server.url.replace("http://", "http://me:s%40crt@") + "/gate"
        gateway = Gateway(url)
        assert gateway.get("/health") == {"service": "nexus"}
        assert server.headers[0]["Authorization"] == "Basic bWU6c0BjcnQ="
        assert "crt" not in gateway.url


def test_environment_proxies_are_not_used(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("http_proxy", "HTTP_PROXY", "all_proxy"):
        monkeypatch.setenv(name, "http://127.0.0.1:1")
    with answering({"/health": HEALTH}) as server:
        assert Gateway(server.url).get("/health") == {"service": "nexus"}
