"""What a reload tells the operator."""

from __future__ import annotations

from pathlib import Path

from nexus.config.diff import changes, needs_restart
from nexus.config.load import load
from nexus.config.settings import NexusConfig

BACKEND = '[[backends]]\nname = "{0}"\nurl = "http://{0}:1"\n'


def config(tmp_path: Path, text: str) -> NexusConfig:
    path = tmp_path / "nexus.toml"
    path.write_text(text)
    return load(path, {}, {}, explicit=True).config


def test_every_changed_key_is_one_line(tmp_path: Path) -> None:
    old = config(tmp_path, BACKEND.format("a") + BACKEND.format("b"))
    new = config(
        tmp_path,
        '[server]\nport = 9\n[routing]\nstrategy = "random"\n[routing.aliases]\nx = "y"\n'
        + BACKEND.format("b")
        + "priority = 3\n"
        + BACKEND.format("c"),
    )
    lines = changes(old, new)

    assert set(lines) == {
        "server.port: 8000 -> 9",
        "routing.strategy: smart -> random",
        "routing.aliases.x: (unset) -> y",
        "backends.c: added",
        "backends.a: removed",
        "backends.b.priority: 50 -> 3",
    }
    assert needs_restart(lines) == ("server.port: 8000 -> 9",)


def test_keys_are_told_by_name_and_without_their_digests(tmp_path: Path) -> None:
    def key(name: str, digest: str, role: str = "viewer") -> str:
        entry = f'name = "{name}"\nrole = "{role}"\nsha256 = "{digest * 32}"\n'
        return f"[[control.keys]]\n{entry}"

    old = config(tmp_path, key("a", "ab") + key("b", "cd") + key("c", "ef"))
    new = config(tmp_path, key("b", "12") + key("c", "ef", "admin") + key("d", "34"))
    lines = changes(old, new)

    assert set(lines) == {
        "control.keys.d: added",
        "control.keys.a: removed",
        "control.keys.b.sha256: cdcdcdcd... -> 12121212...",
        "control.keys.c.role: viewer -> admin",
    }


def test_levels_change_at_once_and_formats_at_the_next_start(tmp_path: Path) -> None:
    old = config(tmp_path, BACKEND.format("a"))
    new = config(
        tmp_path,
        BACKEND.format("a")
        + '[logging]\nlevel = "debug"\nformat = "json"\ncomponent_levels = {api = "warn"}\n',
    )
    lines = changes(old, new)

    assert len(lines) == 3
    assert needs_restart(lines) == ("logging.format: pretty -> json",)


def test_the_same_configuration_changes_nothing(tmp_path: Path) -> None:
    assert (
        changes(config(tmp_path, BACKEND.format("a")), config(tmp_path, BACKEND.format("a"))) == ()
    )
