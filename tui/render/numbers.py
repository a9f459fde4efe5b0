"""Numbers as an operator reads them: short, with their unit, never wider than six columns."""

from __future__ import annotations

from datetime import UTC, datetime


def millis(ms: float | None) -> str:
    """`8ms`, `412ms`, `2.1s`, `45s`, `3m20`; `-` for unknown."""
    if ms is None:
        return "-"
    if ms < 999.5:
        return f"{ms:.0f}ms"
    seconds = ms / 1000
    if seconds < 9.95:
        return f"{seconds:.1f}s"
    if seconds < 99.5:
        return f"{seconds:.0f}s"
    minutes, rest = divmod(round(seconds), 60)
    return f"{minutes}m{rest:02d}" if minutes < 100 else f"{minutes // 60}h"


def rate(per_second: float | None) -> str:
    """`0.4`, `12.4`, `880`, `12.4k`."""
    if per_second is None:
        return "-"
    if per_second < 99.95:
        return f"{per_second:.1f}"
    return count(round(per_second))


def count(number: int | None) -> str:
    """`7`, `9,999`, `12.4k`, `3.1M`."""
    if number is None:
        return "-"
    if number < 10_000:
        return f"{number:,}"
    if number < 1_000_000:
        return f"{number / 1000:.1f}k" if number < 99_950 else f"{number / 1000:.0f}k"
    return f"{number / 1_000_000:.1f}M"


def percent(value: float | None) -> str:
    """`0.0`, `4.2`, `100`; the unit stands in the heading."""
    if value is None:
        return "-"
    return f"{value:.1f}" if value < 99.95 else "100"


def context(tokens: int | None) -> str:
    """`8k`, `128k`, `1M`, `900`; powers of two lose nothing a reader would miss."""
    if tokens is None:
        return "-"
    if tokens < 1000:
        return str(tokens)
    if tokens < 1_000_000:
        # 128000 is 128k and so is 131072: round numbers of either kind read as they are spoken.
        return f"{tokens / (1000 if tokens % 1000 == 0 or tokens % 1024 else 1024):.0f}k"
    return f"{tokens / (1_048_576 if tokens % 1_048_576 == 0 else 1_000_000):.0f}M"


def span(seconds: float | None) -> str:
    """A duration: `3s`, `4m`, `2h05`, `3d04h`."""
    if seconds is None:
        return "-"
    whole = max(0, int(seconds))
    if whole < 60:
        return f"{whole}s"
    if whole < 3600:
        return f"{whole // 60}m"
    if whole < 86_400:
        return f"{whole // 3600}h{whole % 3600 // 60:02d}"
    return f"{whole // 86_400}d{whole % 86_400 // 3600:02d}h"


def uptime(seconds: float) -> str:
    """`00:12:33`, or with days in front."""
    whole = max(0, int(seconds))
    days, rest = divmod(whole, 86_400)
    text = f"{rest // 3600:02d}:{rest % 3600 // 60:02d}:{rest % 60:02d}"
    return f"{days}d {text}" if days else text


def clock(at: float, utc_offset_s: int) -> str:
    """Wall time `14:20:31` of Unix seconds `at`."""
    whole = int(at + utc_offset_s) % 86_400
    return f"{whole // 3600:02d}:{whole % 3600 // 60:02d}:{whole % 60:02d}"


def stamp(at: float) -> str:
    """Date and time for files: `2026-11-24T14:20:31.402Z`."""
    return datetime.fromtimestamp(at, UTC).isoformat(timespec="milliseconds")[:-6] + "Z"


def plural(number: int, noun: str) -> str:
    """`1 request`, `3 requests`."""
    if number == 1:
        return f"1 {noun}"
    return f"{count(number)} {noun}{'es' if noun.endswith(('s', 'ch')) else 's'}"
