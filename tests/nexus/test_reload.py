"""The file that people edit while the gateway runs."""

from __future__ import annotations

import logging
import os
from dataclasses import replace
from pathlib import Path

import pytest

from nexus.config.load import Loaded, load
from nexus.config.settings import NexusConfig
from nexus.domain.backend import BackendId, BackendStatus
from nexus.registry.registry import Registry
from nexus.reload import Reloader

A = '[[backends]]\nname = "a"\nurl = "http://a:1"\n'
B = '[[backends]]\nname = "b"\nurl = "http://b:1"\n'


class Desk:
    """A file, the registry that follows it, and what the rest of the gateway was told."""

    def __init__(self, path: Path, text: str) -> None:
        self.path = path
        self.registry = Registry(lambda event: None, lambda: 1.0)
        self.used: list[NexusConfig] = []
        self.loads = 0
        self.checked: list[str] = []
        path.write_text(text)
        loaded = self.load(path)
        for face in loaded.config.faces():
            self.registry.add(face)
        self.edited: list[tuple[str, ...]] = []
        self.reloader = Reloader(
            loaded,
            path,
            self.load,
            self.registry,
            self.used.append,
            self.checked.append,
            edited=lambda lines, mark: self.edited.append(lines),
        )
        self.edits = 0

    def load(self, path: Path) -> Loaded:
        self.loads += 1
        return load(path, {}, {}, explicit=True)

    def edit(self, text: str) -> None:
        self.path.write_text(text)
        self.edits += 1  # a file system's clock may be too coarse to see two edits
        os.utime(self.path, ns=(self.edits * 10**9, self.edits * 10**9))
        self.reloader.look()

    def names(self) -> set[str]:
        return {backend.name for backend in self.registry.fleet().backends.values()}


@pytest.fixture
def desk(tmp_path: Path) -> Desk:
    return Desk(tmp_path / "nexus.toml", A)


def test_backends_come_and_go_with_the_file(desk: Desk) -> None:
    desk.edit(B)

    assert desk.names() == {"b"}
    assert desk.checked == ["b"]


def test_a_file_that_is_as_it_was_at_the_start_is_not_read_again(desk: Desk) -> None:
    desk.reloader.look()

    assert desk.loads == 1


def test_an_edit_between_the_start_and_the_first_look_counts(desk: Desk) -> None:
    desk.edit(A + B)

    assert desk.names() == {"a", "b"}


def test_an_edit_is_told_in_lines_once_it_is_in_force(desk: Desk) -> None:
    desk.edit(B)
    desk.edit(B + "\n# a comment\n")
    desk.edit("nonsense")

    assert desk.edited == [("backends.b: added", "backends.a: removed")]


def test_a_changed_key_of_a_backend_keeps_its_health(desk: Desk) -> None:
    desk.registry.set_health(BackendId("a"), BackendStatus.HEALTHY)
    desk.edit(A + "priority = 3\n")
    backend = desk.registry.fleet().backends[BackendId("a")]

    assert backend.face.priority == 3
    assert backend.status is BackendStatus.HEALTHY


def test_an_invalid_edit_is_refused_and_the_old_one_kept(
    desk: Desk, caplog: pytest.LogCaptureFixture
) -> None:
    with caplog.at_level(logging.INFO, "nexus.config"):
        desk.edit(B + "priority = 1000\n")

    assert desk.names() == {"a"}
    assert desk.used == []
    assert "priority" in caplog.text


def test_a_mended_edit_is_applied_after_a_refused_one(desk: Desk) -> None:
    desk.edit("nonsense = ")
    desk.edit(A + B)

    assert desk.names() == {"a", "b"}


def test_routing_follows_and_the_log_says_what_changed(
    desk: Desk, caplog: pytest.LogCaptureFixture
) -> None:
    with caplog.at_level(logging.INFO, "nexus.config"):
        desk.edit('[routing.aliases]\n"gpt-4" = "m"\n' + A)

    assert desk.used[-1].policy().aliases == {"gpt-4": "m"}
    assert "routing.aliases.gpt-4: (unset) -> m" in caplog.text


def test_what_needs_a_restart_says_so(desk: Desk, caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level(logging.INFO, "nexus.config"):
        desk.edit("[server]\nport = 9000\n" + A)

    assert "next start: server.port: 8000 -> 9000" in caplog.text


def test_draining_in_the_file_drains(desk: Desk) -> None:
    desk.edit(A + "draining = true\n")
    drained = desk.registry.fleet().backends[BackendId("a")].status
    desk.edit(A)

    assert drained is BackendStatus.DRAINING
    assert desk.registry.fleet().backends[BackendId("a")].status is BackendStatus.UNKNOWN


def test_what_the_operator_drained_meanwhile_stays_drained(desk: Desk) -> None:
    desk.registry.set_draining(BackendId("a"), True)
    desk.edit(A + B)

    assert desk.registry.fleet().backends[BackendId("a")].status is BackendStatus.DRAINING


def test_an_edit_of_a_backend_that_was_added_meanwhile_counts(desk: Desk) -> None:
    """The control surface writes the file and registers; a person edits it within the second."""
    face = desk.registry.fleet().backends[BackendId("a")].face
    desk.registry.add(replace(face, id=BackendId("b"), name="b", url="http://b:1"))
    desk.edit(A + B + "priority = 9\n")

    assert desk.registry.fleet().backends[BackendId("b")].face.priority == 9


def test_a_file_that_vanishes_changes_nothing(desk: Desk) -> None:
    desk.path.unlink()
    desk.reloader.look()

    assert desk.names() == {"a"}
