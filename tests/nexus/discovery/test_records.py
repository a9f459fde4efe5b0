from __future__ import annotations

import string

import pytest
from hypothesis import given
from hypothesis import strategies as st

from nexus.discovery.candidate import Candidate, Ignored
from nexus.discovery.records import Record, choose, instance_name, read
from nexus.domain.backend import BackendType, Source
from nexus.domain.text import clean
from nexus.domain.urls import normalise

OLLAMA = "_ollama._tcp.local."
LLM = "_llm._tcp.local."
SATURN = "_saturn._tcp.local."


def elsewhere(host: str, port: int) -> bool:
    """Nexus listens nowhere."""
    return False


def record(
    service: str = LLM,
    name: str = "gpu_box",
    port: int | None = 8000,
    addresses: tuple[str, ...] = ("192.168.1.20",),
    **txt: str,
) -> Record:
    texts: dict[bytes, bytes | None] = {k.encode(): v.encode() for k, v in txt.items()}
    return Record(f"{name}.{service}", service, port, addresses, texts)


def heard(what: Record) -> Candidate:
    found = read(what, elsewhere)
    assert isinstance(found, Candidate), found
    return found


def refused(what: Record) -> str:
    found = read(what, elsewhere)
    assert isinstance(found, Ignored), found
    return found.why


def test_a_plain_ollama_service_needs_no_txt() -> None:
    found = heard(record(OLLAMA, port=11434))
    assert (found.url, found.type) == ("http://192.168.1.20:11434", BackendType.OLLAMA)
    assert (found.name, found.source, found.via) == ("gpu box", Source.MDNS, "mDNS _ollama._tcp")


@pytest.mark.parametrize(
    ("said", "type"),
    [
        ("vllm", BackendType.VLLM),
        ("VLLM", BackendType.VLLM),
        ("llama.cpp", BackendType.LLAMACPP),
        ("llamacpp", BackendType.LLAMACPP),
        ("LM-Studio", BackendType.LMSTUDIO),
        ("exo", BackendType.EXO),
        ("ollama", BackendType.OLLAMA),
        ("openai", None),
        ("something", None),
        ("", None),
    ],
)
def test_the_type_is_a_hint_in_any_spelling(said: str, type: BackendType | None) -> None:
    assert heard(record(type=said)).type is type


def test_saturn_says_api_where_others_say_type() -> None:
    found = heard(record(SATURN, api="Ollama", priority="0"))
    assert (found.type, found.via) == (BackendType.OLLAMA, "mDNS _saturn._tcp")


@pytest.mark.parametrize(
    ("path", "url"),
    [
        ("", "http://192.168.1.20:8000"),
        ("/", "http://192.168.1.20:8000"),
        ("/v1", "http://192.168.1.20:8000"),
        ("v1/", "http://192.168.1.20:8000"),
        ("/openai/v1", "http://192.168.1.20:8000/openai"),
        ("/a/b", "http://192.168.1.20:8000/a/b"),
    ],
)
def test_the_api_path_stands_before_v1_and_never_twice(path: str, url: str) -> None:
    assert heard(record(api_path=path)).url == url


@pytest.mark.parametrize(
    "path", ["/../admin", "/a//b", "/x?y=1", "/x#y", "//evil.example/", "/%2e%2e", "/a b", "/é"]
)
def test_an_api_path_that_is_more_than_a_path_is_refused(path: str) -> None:
    found = read(record(api_path=path), elsewhere)
    if isinstance(found, Candidate):  # slashes at the ends are trimmed, nothing else
        assert found.url == "http://192.168.1.20:8000/evil.example"
    else:
        assert found.why == "has an api_path that is no plain path"


@pytest.mark.parametrize(
    ("addresses", "chosen"),
    [
        (("fd00::5", "192.168.1.20", "10.0.0.1"), "192.168.1.20"),
        (("fe80::1%eth0", "fd00::5"), "fd00::5"),
        (("fe80::1%eth0",), "fe80::1%eth0"),
        (("8.8.8.8", "192.168.1.20"), "192.168.1.20"),
        (("127.0.0.1",), "127.0.0.1"),
        (("100.64.3.4",), "100.64.3.4"),
    ],
)
def test_ipv4_is_preferred_and_link_local_comes_last(
    addresses: tuple[str, ...], chosen: str
) -> None:
    assert choose(addresses) == (chosen, "")


def test_ipv6_stands_in_brackets() -> None:
    assert heard(record(addresses=("fd00::5",))).url == "http://[fd00::5]:8000"


@pytest.mark.parametrize(
    ("addresses", "why"),
    [
        ((), "has no address"),
        (("not-an-address",), "has no address"),
        (("1.1.1.1",), "announces 1.1.1.1: a public address, beyond the local network"),
        (("2606:4700::1111",), "a public address, beyond the local network"),
        (("::ffff:8.8.8.8",), "a public address, beyond the local network"),
        (("224.0.0.251",), "an address of many"),
        (("ff02::fb",), "an address of many"),
        (("0.0.0.0",), "not an address"),
        (("::",), "not an address"),
        (("255.255.255.255",), "an address of all"),
        (("fe80::1",), "no interface is known for it"),
        (("fe80::1%e]/@x",), "no interface is known for it"),
    ],
)
def test_addresses_that_no_local_server_can_have_are_refused(
    addresses: tuple[str, ...], why: str
) -> None:
    assert refused(record(addresses=addresses)).endswith(why)


@pytest.mark.parametrize("port", [0, -1, 65536, None])
def test_an_impossible_port_is_refused(port: int | None) -> None:
    assert refused(record(port=port)).startswith("announces port")


def test_nexus_itself_is_refused() -> None:
    found = read(record(), lambda host, port: (host, port) == ("192.168.1.20", 8000))
    assert isinstance(found, Ignored)
    assert found.why == "is this Nexus itself"


def test_a_huge_txt_is_refused_unread() -> None:
    assert refused(record(models="x," * 2000)) == "has more than 2048 bytes of TXT"


def test_hints_are_clean_and_few() -> None:
    found = heard(record(version="1\x1b[2J", models="a, b,\x1b]0;x\x07," + "c," * 200))
    assert found.version == clean("1\x1b[2J")
    assert found.models[:2] == ("a", "b")
    assert len(found.models) <= 64
    assert all(model == clean(model) for model in found.models)


def test_names_are_the_first_label_with_blanks_for_underscores() -> None:
    assert instance_name(record(name="my_gpu_box")) == "my gpu box"
    assert instance_name(record(name="a.b._c")) == "a.b. c"
    assert instance_name(record(name="\x1b]0;owned\x07box")) == "]0;ownedbox"
    assert len(instance_name(record(name="x" * 500))) == 60


def test_the_same_instance_has_the_same_key_whatever_it_says() -> None:
    one = heard(record(name="Box", port=1))
    other = heard(record(name="bOX", port=2, addresses=("10.0.0.9",)))
    assert one.key == other.key


_TEXT = st.text(max_size=80) | st.sampled_from(["/v1", "\x1b[31m", "..", "%00", "a" * 300])
_ADDRESS = st.one_of(
    st.ip_addresses().map(str),
    st.text(alphabet=string.hexdigits + ":.%]/[@", max_size=40),
    _TEXT,
)


@given(
    name=_TEXT,
    service=st.sampled_from([OLLAMA, LLM, SATURN]) | _TEXT,
    port=st.none() | st.integers(-5, 70_000),
    addresses=st.lists(_ADDRESS, max_size=5),
    txt=st.dictionaries(
        st.sampled_from([b"type", b"api_path", b"version", b"models"]) | st.binary(max_size=20),
        st.none() | st.binary(max_size=200) | _TEXT.map(lambda t: t.encode("utf-8", "replace")),
        max_size=6,
    ),
)
def test_any_record_becomes_a_usable_candidate_or_a_clean_reason(
    name: str,
    service: str,
    port: int | None,
    addresses: list[str],
    txt: dict[bytes, bytes | None],
) -> None:
    found = read(Record(f"{name}.{service}", service, port, addresses, txt), elsewhere)
    assert found.name == clean(found.name)
    if isinstance(found, Candidate):
        assert normalise(found.url) == found.url
        assert found.url.startswith("http://")
        assert "@" not in found.url
        assert found.version == clean(found.version)
        assert all(model == clean(model) for model in found.models)
    else:
        assert found.why == clean(found.why)
