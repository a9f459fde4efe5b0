"""Edits of the file keep what a person wrote."""

from __future__ import annotations

import tomli
from hypothesis import given
from hypothesis import strategies as st

from nexus.config.edit import has_backend, with_backend, without_backend

FILE = """\
# my fleet

[server]
port = 9000  # not 8000: vLLM is there

[[backends]]
name = "gpu 01"          # under the desk
url = "http://gpu-01:8000/v1/"
priority = 5

# the laptop
[[backends]]
name = "laptop"
url = "http://laptop:11434"
"""


def test_a_changed_key_leaves_every_comment_where_it_was() -> None:
    changed = with_backend(FILE, "gpu 01", {"priority": 7})

    assert changed == FILE.replace("priority = 5", "priority = 7")


def test_a_new_backend_is_added_at_the_end() -> None:
    changed = with_backend(FILE, "new", {"url": "http://new:1", "type": "vllm"})

    assert changed.startswith(FILE)
    assert tomli.loads(changed)["backends"][-1] == {
        "name": "new",
        "url": "http://new:1",
        "type": "vllm",
    }


def test_a_backend_is_found_by_the_id_of_its_name() -> None:
    assert with_backend(FILE, "gpu-01", {"priority": None}) == FILE.replace("priority = 5\n", "")


def test_removing_the_last_backend_leaves_a_valid_file() -> None:
    empty = without_backend(without_backend(FILE, "laptop"), "gpu 01")

    assert tomli.loads(empty) == {"server": {"port": 9000}}
    assert "not 8000" in empty


def test_removing_what_is_not_there_changes_nothing() -> None:
    assert without_backend(FILE, "other") == FILE


def test_a_backend_is_known_by_its_name_or_by_any_spelling_of_its_url() -> None:
    assert has_backend(FILE, "x", "http://gpu-01:8000")
    assert has_backend(FILE, "laptop", "http://other:1")
    assert not has_backend(FILE, "x", "http://x:1")


@given(st.lists(st.sampled_from(["a", "b", "c d"]), max_size=6), st.text(max_size=20))
def test_any_series_of_edits_can_be_read_again(names: list[str], value: str) -> None:
    text = FILE
    for name in names:
        text = with_backend(text, name, {"url": "http://x:1", "api_key_env": value})
    for name in names:
        text = without_backend(text, name)

    assert tomli.loads(text) == tomli.loads(FILE)
