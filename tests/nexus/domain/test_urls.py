import pytest
from hypothesis import given
from hypothesis import strategies as st

from nexus.domain.urls import backend_id, normalise, without_userinfo


@pytest.mark.parametrize(
    ("given_url", "expected"),
    [
        ("http://localhost:11434", "http://localhost:11434"),
        ("  http://localhost:11434/  ", "http://localhost:11434"),
        ("HTTP://GPU-1:80/v1/", "http://gpu-1"),
        ("https://api.openai.com/v1", "https://api.openai.com"),
        ("https://api.openai.com:443", "https://api.openai.com"),
        ("http://host:443", "http://host:443"),
        ("http://host/Team/A/v1", "http://host/Team/A"),
        ("http://host//v1//", "http://host"),
        ("http://host/a/v1/v1", "http://host/a"),
        ("http://host/ä", "http://host/%C3%A4"),
        ("http://host/v1beta", "http://host/v1beta"),
        ("http://[::1]:8080/", "http://[::1]:8080"),
        ("http://user:pA@Host:8080/v1", "http://user:pA@host:8080"),
        ("http://bücher.example", "http://xn--bcher-kva.example"),
        ("GPU-1:8000", "http://gpu-1:8000"),
        ("10.0.0.44", "http://10.0.0.44"),
        ("10.0.0.44:8000/v1", "http://10.0.0.44:8000"),
        ("[::1]:8000", "http://[::1]:8000"),
    ],
)
def test_one_server_has_one_spelling(given_url: str, expected: str) -> None:
    assert normalise(given_url) == expected
    assert normalise(expected) == expected


@pytest.mark.parametrize(
    ("url", "sentence"),
    [
        ("", "starts with http:// or https://"),
        ("localhost", "for example http://localhost"),
        ("gpu 1:80", "must not contain spaces"),
        ("ftp://host", "http or https, not ftp"),
        ("://host", "http or https"),
        ("http://", "names a host"),
        ("http://:8080", "names a host"),
        ("http://ho st:1", "must not contain spaces"),
        ("http://host\r\nX-Evil: 1", "control characters"),
        ("http://host:99999", "not a URL"),
        ("http://host:abc", "not a URL"),
        ("http://host:0", "port 0"),
        ("http://host?x=1", "no query"),
        ("http://host/#top", "no fragment"),
        ("http://[::1", "not a URL"),
        ("http://ho$t", "names a host"),
    ],
)
def test_nonsense_is_refused_with_a_sentence(url: str, sentence: str) -> None:
    with pytest.raises(ValueError, match=r".") as caught:
        normalise(url)
    assert sentence in str(caught.value)


@given(st.text(max_size=40).map(lambda text: f"http://{text}"))
def test_any_text_is_normalised_for_good_or_refused(url: str) -> None:
    try:
        once = normalise(url)
    except ValueError:
        return
    assert normalise(once) == once


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("gpu-01", "gpu-01"),
        ("GPU 1", "gpu-1"),
        ("  my_box.lan  ", "my_box.lan"),
        ("http://127.0.0.1:11434", "127.0.0.1-11434"),
        ("a/b?c\r\nd", "a-b-c-d"),
        ("..", "backend-9608161c"),
    ],
)
def test_an_id_is_a_readable_slug_of_the_name(name: str, expected: str) -> None:
    assert backend_id(name) == expected


def test_names_in_other_scripts_keep_different_ids() -> None:
    assert backend_id("服务器一") != backend_id("服务器二")
    assert backend_id("服务器一").startswith("backend-")


@given(st.text())
def test_an_id_is_never_empty_and_always_safe_in_a_path(name: str) -> None:
    made = backend_id(name)
    assert made
    assert made not in {".", ".."}
    assert set(made) <= set("abcdefghijklmnopqrstuvwxyz0123456789._-")


def test_a_password_in_a_url_is_masked() -> None:
    assert without_userinfo("http://me:secret@host:1/p") == "http://***@host:1/p"
    assert without_userinfo("http://host:1/p@q") == "http://host:1/p@q"
    assert without_userinfo("nonsense") == "nonsense"


@pytest.mark.parametrize(
    ("pasted", "url"),
    [
        ("http://gpu:8000/v1/chat/completions", "http://gpu:8000"),
        ("http://gpu:8000/v1/models/", "http://gpu:8000"),
        ("https://openrouter.ai/api/v1/", "https://openrouter.ai/api"),
        (
            "https://generativelanguage.googleapis.com/v1beta/openai/",
            "https://generativelanguage.googleapis.com",
        ),
        ("http://gpu/v1beta/openai", "http://gpu/v1beta/openai"),
        ("http://gpu/models", "http://gpu/models"),
    ],
)
def test_what_people_paste_is_reduced_to_the_base(pasted: str, url: str) -> None:
    assert normalise(pasted) == url
    assert normalise(url) == url
