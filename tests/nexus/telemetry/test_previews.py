"""How prompts begin: the first text, short, bounded, and from any shape of request."""

import json

import pytest

from nexus.telemetry.previews import CHARS, MOST, Previews, preview

IMAGE = {"type": "image_url", "image_url": {"url": "data:image/png;base64,AAAA"}}


@pytest.mark.parametrize(
    ("body", "said"),
    [
        ({"messages": [{"role": "system", "content": "Be kind"}, {"content": "Hi"}]}, "Be kind"),
        ({"messages": [{"content": [IMAGE, {"type": "text", "text": "What?"}]}]}, "What?"),
        ({"messages": [{"content": None}]}, ""),
        ({"messages": []}, ""),
        ({"prompt": "Once"}, "Once"),
        ({"prompt": ["one", "two"]}, "one"),
        ({"input": [[1, 2, 3]]}, ""),
        ({"input": [1, 2]}, ""),
        ({"messages": 7}, ""),
        ([], ""),
        ({"prompt": "x" * 500}, "x" * CHARS),
    ],
)
def test_the_first_text_is_found(body: object, said: str) -> None:
    assert preview(json.dumps(body).encode()) == said


@pytest.mark.parametrize("body", [b"", b"{", b'{"prompt": "\xff"}'])
def test_what_is_no_request_has_no_preview(body: bytes) -> None:
    assert preview(body) == ""


def test_previews_are_told_once_and_bounded() -> None:
    previews = Previews()
    for number in range(MOST + 1):
        previews.keep(str(number), b'{"prompt": "a"}')

    assert previews.take("0") == ""
    assert (previews.take("1"), previews.take("1")) == ("a", "")
