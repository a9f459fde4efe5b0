"""What an edit of the routes says of a preview, and that nobody is overwritten."""

from __future__ import annotations

import json

import pytest

from nexus.cli.main import run
from tests.fakes.answers import answering

ROUTING = "/nexus/v1/routing"
NOW = {"version": "abc", "aliases": {}, "fallbacks": {}}
OUTDATED = {"error": {"message": "The routes were changed meanwhile", "code": "outdated"}}
WORDS = ("alias", "set", "a", "b")


def told(preview: object, capsys: pytest.CaptureFixture[str]) -> list[str]:
    """The lines of a dry run over this preview."""
    answers = {ROUTING: NOW, f"{ROUTING}?dry_run=1": preview}
    prepared = {path: (200, json.dumps(said).encode()) for path, said in answers.items()}
    with answering(prepared) as server:
        assert run([*WORDS, "--dry-run", "--url", server.url]) == 0
    return capsys.readouterr().out.splitlines()


def test_the_version_that_was_looked_at_goes_with_every_edit(
    capsys: pytest.CaptureFixture[str],
) -> None:
    prepared = {
        ROUTING: (200, json.dumps(NOW).encode()),
        f"{ROUTING}?dry_run=1": (200, b'{"diff": ["+ a"]}'),
    }
    with answering(prepared) as server:
        assert run([*WORDS, "--url", server.url]) == 0
    edits = [
        headers["If-Match"]
        for (method, _), headers in zip(server.asked, server.headers, strict=True)
        if method == "PATCH"
    ]
    assert edits == ['"abc"', '"abc"']
    assert "In force." in capsys.readouterr().out


def test_somebody_who_was_faster_is_a_sentence_and_exit_code_1(
    capsys: pytest.CaptureFixture[str],
) -> None:
    prepared = {
        ROUTING: (200, json.dumps(NOW).encode()),
        f"{ROUTING}?dry_run=1": (200, b'{"diff": ["+ a"]}'),
        f"PATCH {ROUTING}": (412, json.dumps(OUTDATED).encode()),
    }
    with answering(prepared) as server:
        assert run([*WORDS, "--url", server.url]) == 1
    said = capsys.readouterr()
    assert (said.out, said.err) == ("", "Error: The routes were changed meanwhile\n")


def test_who_goes_elsewhere_who_is_refused_and_who_no_longer_is(
    capsys: pytest.CaptureFixture[str],
) -> None:
    moved = [
        {"model": "m", "before": "here", "after": "there", "requests": 5},
        {"model": "m", "before": "here", "after": "here", "requests": 2},
        {"model": "n", "before": "", "after": "(model_not_found)", "requests": 3},
        {"model": "o", "before": "(refused)", "after": "there", "requests": 1},
    ]
    counts = {"decided": 20, "since_s": 3600, "newly_refused": 3, "newly_served": 1}
    assert told({"diff": ["+ a"], "moved": moved, **counts}, capsys) == [
        "+ a",
        "Of 20 requests in the last 1h 0m 0s, 7 would have been served otherwise, "
        "3 would have been refused, 1 that were refused would have been served:",
        "  m: here -> there, 5",
        "  m: here -> here (another model), 2",
        "  n: (served) -> (model_not_found), 3",
        "  o: (refused) -> there, 1",
        "Nothing was changed.",
    ]


def test_of_many_moves_the_most_frequent_are_told(capsys: pytest.CaptureFixture[str]) -> None:
    moved = [{"model": "m", "before": "a", "after": f"b{n}", "requests": 1} for n in range(12)]
    lines = told({"diff": ["+ a"], "moved": moved, "decided": 12, "since_s": 60}, capsys)
    assert lines[-2] == "  and 2 more; --json has all"


def test_without_a_request_to_try_it_on_that_is_said(capsys: pytest.CaptureFixture[str]) -> None:
    assert "No request of the last hour to try it on." in told({"diff": ["+ a"]}, capsys)
