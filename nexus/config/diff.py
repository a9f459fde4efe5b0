"""What changed between two configurations, one line a key. Pure."""

from __future__ import annotations

from typing import TYPE_CHECKING, cast

if TYPE_CHECKING:
    from nexus.config.settings import NexusConfig

AT_START = (
    "server",
    "health_check",
    "discovery",
    "logging.format",
    "logging.enable_content_logging",
    "telemetry",
    "history",
)
"""Sections and keys read once: a change needs a restart."""


def changes(old: NexusConfig, new: NexusConfig) -> tuple[str, ...]:
    """`routing.strategy: smart -> random`, `backends.gpu-01: added`, in the order of the schema."""
    before, after = old.model_dump(mode="json"), new.model_dump(mode="json")
    lines: list[str] = []
    for section in after:
        if section == "backends":
            lines += _entries(section, _by_name(before[section]), _by_name(after[section]))
        elif section == "control":
            olds, news = before[section], after[section]
            keys = _keys(olds.pop("keys")), _keys(news.pop("keys"))
            lines += [*_compare(section, olds, news), *_entries("control.keys", *keys)]
        else:
            lines += _compare(section, before[section], after[section])
    return tuple(lines)


def needs_restart(lines: tuple[str, ...]) -> tuple[str, ...]:
    """Those changes that take effect only at the next start."""
    starts = tuple(f"{place}{end}" for place in AT_START for end in ".:")
    return tuple(line for line in lines if line.startswith(starts))


def _compare(place: str, old: object, new: object) -> list[str]:
    if old == new:
        return []
    olds, news = _table(old), _table(new)
    if olds is not None and news is not None:
        keys = [*news, *(key for key in olds if key not in news)]
        return [
            line
            for key in keys
            for line in _compare(f"{place}.{key}", olds.get(key), news.get(key))
        ]
    return [f"{place}: {_said(old)} -> {_said(new)}"]


def _table(value: object) -> dict[str, object] | None:
    return cast("dict[str, object]", value) if isinstance(value, dict) else None


def _entries(place: str, old: dict[str, object], new: dict[str, object]) -> list[str]:
    lines = [f"{place}.{name}: added" for name in new if name not in old]
    lines += [f"{place}.{name}: removed" for name in old if name not in new]
    for name in new:
        if name in old:
            lines += _compare(f"{place}.{name}", old[name], new[name])
    return lines


def _keys(entries: list[dict[str, object]]) -> dict[str, object]:
    """Keys by name; of a digest only its beginning, which tells that it is another one."""
    shown = [{**each, "sha256": _short(each.get("sha256"))} for each in entries]
    return _by_name(shown)


def _short(digest: object) -> object:
    return f"{digest[:8]}..." if isinstance(digest, str) else None


def _by_name(entries: list[dict[str, object]]) -> dict[str, object]:
    return {str(entry["name"]): entry for entry in entries}


def _said(value: object) -> str:
    return "(unset)" if value is None else str(value)
