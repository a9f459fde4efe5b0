"""The log as rows: chosen by level and component, searched, with a mark where lines were missed."""

from __future__ import annotations

from collections import deque
from collections.abc import Hashable, Iterable, Sequence
from typing import cast

from nexus.domain.logline import LogLevel, LogLine, LogValue
from tui.clean import clean
from tui.render.cells import BLANK, UNKNOWN, Cell, Line, Role, line
from tui.render.columns import Column
from tui.render.numbers import clock, millis, plural, stamp

COLUMNS = (
    Column("TIME", 12),
    Column("LEVEL", 7),
    Column("COMPONENT", 10, widest=12),
    Column("MESSAGE", 20, widest=400),
)

LINES = 5000
"""Lines kept."""
KEPT_CELLS = 400
TOOK = "latency_ms"
REQUEST = "request_id"
"""The field that names a request."""
EXCEPTION, ERROR = "exception", "error_message"
FOLDED = 3
"""Lines of a traceback shown while it is folded: its end says most."""

LOOK = {
    LogLevel.TRACE: ("· trace", Role.FAINT),
    LogLevel.DEBUG: ("· debug", Role.FAINT),
    LogLevel.INFO: ("  info", Role.DIM),
    LogLevel.WARN: ("! warn", Role.WARN),
    LogLevel.ERROR: ("✖ error", Role.BAD),
}
"""A mark, a word and a role: colour is never the only sign."""


class LinesView:
    """Rows of the log, the newest last. Keys grow; fractions are marks between lines."""

    def __init__(self) -> None:
        self.least = LogLevel.TRACE
        """Lines below this level are left out."""
        self.component = ""
        """Lines of others are left out; empty for none."""
        self.words = ""
        """Looked for."""
        self.only = False
        """True while lines without the words are left out too."""
        self.last = 0
        """Number of the newest line read."""
        self.missed = 0
        """Lines that nobody can show any more."""
        self.keys: Sequence[float] = ()
        self._lines: deque[tuple[int, LogLine]] = deque(maxlen=LINES)
        self._base = 0
        """Added to a line's number to make its key; grows with every start of the gateway."""
        self._starts: set[int] = set()
        """Keys before which the gateway started again."""
        self._by_key: dict[float, LogLine | int] = {}
        self._cells: dict[Hashable, tuple[Cell, ...]] = {}
        self._made: tuple[object, ...] = ()
        self._utc_offset_s = 0
        self.narrow = False
        """True where there is little room: a request's id comes last."""

    @property
    def columns(self) -> Sequence[Column]:
        return COLUMNS

    @property
    def total(self) -> int:
        """Lines kept, shown or not."""
        return len(self._lines)

    @property
    def components(self) -> tuple[str, ...]:
        """Who has spoken, by name."""
        return tuple(sorted({each.component for _, each in self._lines}))

    def add(self, lines: Iterable[LogLine]) -> None:
        """Take lines that came since."""
        for each in lines:
            if each.seq > self.last:
                self._lines.append((self._base + each.seq, each))
                self.last = each.seq

    def start_again(self) -> None:
        """The gateway has: its lines are counted from 1 anew."""
        if self._lines:
            self._base = self._lines[-1][0]
            self._starts.add(self._base)
        self.last = 0

    def update(self, utc_offset_s: int) -> None:
        """Choose the rows again where something changed."""
        narrowed = self.only and self.words
        marks = (self._base, self.last, self.least, self.component, narrowed, utc_offset_s)
        if marks == self._made:
            return
        self._made, self._utc_offset_s = marks, utc_offset_s
        rows: dict[float, LogLine | int] = {}
        before = self._lines[0][0] - 1 if self._lines else 0
        self.missed = 0
        for key, each in self._lines:
            if before in self._starts:
                rows[before + 0.25] = 0
            if gap := key - before - 1:
                self.missed += gap
                rows[key - 0.5] = gap
            before = key
            if self._shown(each):
                rows[key] = each
        self._by_key, self.keys = rows, tuple(rows)

    def _shown(self, each: LogLine) -> bool:
        if each.level.rank < self.least.rank:
            return False
        if self.component and each.component != self.component:
            return False
        return not self.only or not self.words or has(each, self.words)

    def line(self, key: Hashable) -> LogLine | None:
        """The line of a row; None for a mark."""
        found = self._by_key.get(cast(float, key))
        return found if isinstance(found, LogLine) else None

    def find(self, start: Hashable | None, by: int) -> float | None:
        """The next row with the words, downwards (1) or upwards (-1), and round the end."""
        keys = list(self.keys) if by > 0 else list(reversed(self.keys))
        if not keys or not self.words:
            return None
        at = keys.index(cast(float, start)) if start in keys else -1
        for key in (*keys[at + 1 :], *keys[: at + 1]):
            each = self.line(key)
            if each is not None and has(each, self.words):
                return key
        return None

    note_heads = ("AT",)

    def notes(self, key: Hashable) -> tuple[str, ...]:
        """What files say besides: the date too."""
        each = self.line(key)
        return (stamp(each.at) if each else "",)

    def cells(self, key: Hashable) -> tuple[Cell, ...]:
        mark = (key, self.words, self.narrow)
        cells = self._cells.get(mark)
        if cells is None:
            found = self._by_key.get(cast(float, key))
            if found is None:
                return (UNKNOWN,) * len(COLUMNS)
            if len(self._cells) >= KEPT_CELLS:
                self._cells.clear()
            if isinstance(found, int):
                cells = gap_cells(found)
            else:
                cells = line_cells(found, self.words, self._utc_offset_s, narrow=self.narrow)
            self._cells[mark] = cells
        return cells


def has(each: LogLine, words: str) -> bool:
    """Whether a line has all the words; `!word` must not be there. In any case."""
    text = said(each).lower()
    for word in words.lower().split():
        if word.startswith("!") and len(word) > 1:
            if word[1:] in text:
                return False
        elif word not in text:
            return False
    return True


def said(each: LogLine) -> str:
    """A line's words as one text, for search."""
    fields = " ".join(f"{name}={value}" for name, value in each.fields.items())
    return f"{each.level.value} {each.component} {each.message} {fields}"


def gap_cells(missed: int) -> tuple[Cell, ...]:
    """Where lines went by that were not read in time; 0 where the gateway started again."""
    if not missed:
        text = "the gateway started again"
        return (UNKNOWN, Cell("◆ start", Role.INFO), UNKNOWN, Cell(text, Role.INFO))
    text = f"… {plural(missed, 'line')} missed: more came than are kept"
    return (UNKNOWN, Cell("! gap", Role.WARN), UNKNOWN, Cell(text, Role.WARN))


def line_cells(
    each: LogLine, words: str, utc_offset_s: int, *, narrow: bool = False
) -> tuple[Cell, ...]:
    """One row, in the order of `COLUMNS`. A line that is looked for has a mark before it."""
    word, role = LOOK[each.level]
    found = bool(words) and has(each, words)
    quiet = each.level.rank < LogLevel.WARN.rank
    return (
        Cell(moment(each.at, utc_offset_s), Role.DIM),
        Cell(word, role),
        Cell(each.component, Role.INFO),
        Cell(
            f"{'» ' if found else ''}{summary(each, narrow=narrow)}",
            Role.STRONG if found else Role.TEXT if quiet else role,
        ),
    )


def summary(each: LogLine, *, narrow: bool = False) -> str:
    """Message and fields in one line; of a traceback only how it ends.

    A line about a request begins with what it is about, without names: id, model, backend, status;
    `narrow`: with how long it took, and the id behind all else.
    """
    left = dict(each.fields)
    parts = [] if each.message == each.component else [each.message]
    if REQUEST in left:
        model, backend = left.pop("model", None), left.pop("backend", None)
        id = str(left.pop(REQUEST))
        if narrow:
            left["id"] = id
        else:
            parts.append(id)
        parts += [f"{model or '-'} → {backend or '-'}"] if model or backend else []
        parts += [str(left.pop(name)) for name in ("status_code", ERROR) if left.get(name)]
        if narrow and isinstance(took := left.get(TOOK), int | float):
            parts.append(millis(took))
            del left[TOOK]
    for name, value in left.items():
        if name == EXCEPTION:
            last = str(value).strip().rpartition("\n")[2]
            parts.append(f"✖ {last} (enter shows the traceback)")
        else:
            parts.append(f"{name}={value}")
    return "  ".join(part for part in parts if part)


def moment(at: float, utc_offset_s: int) -> str:
    """`14:20:31.402`."""
    return f"{clock(at, utc_offset_s)}.{int(at * 1000) % 1000:03d}"


def detail_lines(each: LogLine, utc_offset_s: int, *, unfolded: bool) -> tuple[Line, ...]:
    """Everything about one line."""
    word, role = LOOK[each.level]
    lines: list[Line] = [
        line(
            Cell(moment(each.at, utc_offset_s), Role.DIM),
            "  ",
            Cell(word.strip(), role),
            "  ",
            Cell(each.component, Role.INFO),
            Cell(f"  line {each.seq}", Role.FAINT),
        ),
        line(Cell(each.message, Role.STRONG)),
        BLANK,
    ]
    for name, value in each.fields.items():
        if name != EXCEPTION:
            lines.append(line(Cell(f"{clean(name):<18} ", Role.DIM), _value(value)))
    if EXCEPTION in each.fields:
        lines += [BLANK, *_traceback(str(each.fields[EXCEPTION]), unfolded=unfolded)]
    return tuple(lines)


def _value(value: LogValue) -> str:
    return {None: "-", True: "yes", False: "no"}.get(value, str(value)) if (
        value is None or isinstance(value, bool)
    ) else str(value)  # fmt: skip


def _traceback(text: str, *, unfolded: bool) -> list[Line]:
    parts = text.strip().split("\n")
    hidden = 0 if unfolded else max(0, len(parts) - FOLDED)
    lines = [line(Cell("exception", Role.DIM))]
    if hidden:
        lines.append(line(Cell(f"  … {plural(hidden, 'line')} folded: space unfolds", Role.WARN)))
    return lines + [line(Cell(f"  {part}", Role.BAD)) for part in parts[hidden:]]
