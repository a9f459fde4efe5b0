"""Finding and reading the configuration file."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path

import tomli

from nexus.config.locate import lines_of
from nexus.config.mark import Mark, mark_of
from nexus.config.origin import CONFIG_VARIABLE
from nexus.config.problems import Loc, Problem, config_error, printable
from nexus.errors import ConfigError

FILE_NAME = "nexus.toml"


@dataclass(frozen=True, slots=True)
class Source:
    """A file as it was read. Without a file, everything is empty."""

    path: Path | None = None
    raw: Mapping[str, object] = field(default_factory=dict[str, object])
    lines: Mapping[Loc, int] = field(default_factory=dict[Loc, int])
    mark: Mark | None = None
    """Taken before it was read: an edit made meanwhile changes it."""


def find(path: Path | None, environ: Mapping[str, str], *, explicit: bool) -> Path | None:
    """The file to read: the given one, `NEXUS_CONFIG`, or the first default that exists.

    Raises ConfigError when a file that somebody named does not exist.
    """
    if path is not None:
        if not _exists(path):
            if explicit:
                raise _absent(path)
            return None
        return path
    if named := environ.get(CONFIG_VARIABLE, "").strip():
        chosen = home_expanded(named)
        if not _exists(chosen):
            raise _absent(chosen, f" (named by {CONFIG_VARIABLE})")
        return chosen
    return next((place for place in default_places(environ) if _exists(place)), None)


def home_expanded(text: str) -> Path:
    """The path with a leading `~` replaced where that home exists."""
    try:
        return Path(text).expanduser()
    except RuntimeError:
        return Path(text)


def _exists(path: Path) -> bool:
    """False only when there certainly is nothing; `read` says what is wrong with the rest."""
    try:
        return path.exists()
    except OSError:
        return True


def default_places(environ: Mapping[str, str]) -> tuple[Path, ...]:
    """Where a file is looked for when none is named, first match first."""
    places = [Path(FILE_NAME)]
    if base := environ.get("XDG_CONFIG_HOME") or environ.get("APPDATA"):
        places.append(Path(base) / "nexus" / FILE_NAME)
    elif home := environ.get("HOME") or environ.get("USERPROFILE"):
        places.append(Path(home) / ".config" / "nexus" / FILE_NAME)
    places.append(state_place(environ))
    return tuple(places)


def state_place(environ: Mapping[str, str]) -> Path:
    """Where changes made at run time are kept when there is no configuration file."""
    if base := environ.get("XDG_STATE_HOME") or environ.get("LOCALAPPDATA"):
        return Path(base) / "nexus" / FILE_NAME
    home = environ.get("HOME") or environ.get("USERPROFILE") or "."
    return Path(home) / ".local" / "state" / "nexus" / FILE_NAME


def _absent(path: Path, named_by: str = "") -> ConfigError:
    sentence = f"there is no such file{named_by}; `nexus config init` writes one"
    return config_error([Problem((), sentence, where=printable(str(path)).strip('"'))])


def read(path: Path | None) -> tuple[Source, list[Problem]]:
    """The file's tables and the lines of its keys, and why it could not be read if so."""
    if path is None:
        return Source(), []
    mark = mark_of(path)
    try:
        text = path.read_bytes().decode("utf-8-sig")
    except OSError as problem:
        return Source(path), [Problem((), f"cannot be read: {problem.strerror}", where=str(path))]
    except UnicodeDecodeError as problem:
        sentence = f"is not UTF-8 text (byte {problem.start + 1}); save it as UTF-8"
        return Source(path), [Problem((), sentence, where=str(path))]
    source, problems = parsed(text, path)
    return replace(source, mark=mark), problems


def parsed(text: str, path: Path) -> tuple[Source, list[Problem]]:
    """The same of a text; `path` is only what it is called."""
    try:
        raw = tomli.loads(text)
    except tomli.TOMLDecodeError as problem:
        return Source(path), [_not_toml(path, text, problem)]
    except RecursionError:
        return Source(path), [Problem((), "is nested too deeply to be read", where=str(path))]
    return Source(path, raw, lines_of(text)), []


def _not_toml(path: Path, text: str, problem: tomli.TOMLDecodeError) -> Problem:
    """What the parser says, under the line it says it about."""
    lines = text.splitlines()
    number = problem.lineno
    line = lines[number - 1] if number <= len(lines) else ""
    shown = "".join(char if char.isprintable() else " " for char in line[:200])
    caret = " " * min(problem.colno - 1, 200) + "^"
    sentence = f"this is not TOML: {problem.msg}"
    if line.strip():
        sentence = f"{shown}\n    {caret}\n    {sentence}"
    return Problem((), sentence, where=f"{path}:{number}", line=number)
