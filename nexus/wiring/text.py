"""The configuration while Nexus runs, put together: its text, and who watches the file."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from nexus.config.live import LiveText
from nexus.config.mark import Mark
from nexus.domain.backend import BackendId
from nexus.registry.registry import Registry
from nexus.reload import Reloader
from nexus.wiring.in_force import InForce

if TYPE_CHECKING:
    from nexus.config.keeper import Keeper
    from nexus.config.load import Loaded


@dataclass(frozen=True, slots=True)
class Text:
    """See the module."""

    live: LiveText
    reloader: Reloader


def text(
    loaded: Loaded,
    load: Callable[[Path], Loaded] | None,
    keeper: Keeper | None,
    registry: Registry,
    in_force: InForce,
    check: Callable[[BackendId], None],
    edited: Callable[[str, tuple[str, ...]], None],
) -> Text:
    """Puts it together.

    Args:
        loaded: the configuration of the start.
        load: reads a file as the start did; None reads it without environment and flags.
        keeper: writes the file; None keeps changes in memory.
        registry: whose backends follow the file.
        in_force: follows it as well.
        check: probes a backend now.
        edited: told which file somebody has edited, and what that has changed.
    """

    def by_hand(lines: tuple[str, ...], mark: Mark) -> None:
        if keeper is None or mark != keeper.wrote:  # else whoever did that is known already
            live.file_edited()
            edited(str(loaded.path or "nexus.toml"), lines)

    load = load or _plainly
    watched = keeper.path if keeper is not None else None
    reloader = Reloader(loaded, watched, load, registry, in_force.use, check, edited=by_hand)
    live = LiveText(load, lambda: reloader.config, reloader.apply, keeper, _text_of(loaded))
    return Text(live, reloader)


def _plainly(path: Path) -> Loaded:
    from nexus.config.load import load  # late: pydantic

    return load(path, {}, {}, explicit=True)


def _text_of(loaded: Loaded) -> str:
    """The configuration file, for edits that are not to be written into it."""
    try:
        return loaded.path.read_text(encoding="utf-8-sig") if loaded.path else ""
    except (OSError, UnicodeDecodeError):
        return ""
