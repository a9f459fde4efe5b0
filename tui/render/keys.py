"""Keys of the control plane, as rows and in sentences. Pure."""

from __future__ import annotations

from collections.abc import Hashable, Sequence
from datetime import UTC, datetime

from nexus.domain.access import Role as Access
from nexus.domain.keys import MAY, KeyImpact, KeyMade, Keyring, KeySeen
from tui.render.cells import BLANK, UNKNOWN, Cell, Line, Role, line
from tui.render.columns import Column
from tui.render.fields import Wrong
from tui.render.filters import matches
from tui.render.numbers import count, plural, span

COLUMNS = (
    Column("NAME", 14, widest=40),
    Column("ROLE", 8),
    Column("FROM", 8, widest=28, drop=2),
    Column("CREATED", 10, drop=3),
    Column("LAST USED", 9, right=True, drop=1),
    Column("STATE", 18, widest=60),
)
ROLES = tuple(role.value for role in Access)
ROLE_NOTES = (
    line(Cell("Roles", Role.STRONG)),
    *(line(Cell(f"{role.value:<10}", Role.ACCENT), f"may {MAY[role]}") for role in Access),
)
"""What a key of each role may."""
_LABEL = 12


class KeysView:
    """Rows of the keys table."""

    def __init__(self) -> None:
        self._keys: dict[str, KeySeen] = {}
        self._now = 0.0
        self.keys: Sequence[str] = ()

    @property
    def columns(self) -> Sequence[Column]:
        return COLUMNS

    @property
    def total(self) -> int:
        """Keys known."""
        return len(self._keys)

    def update(self, ring: Keyring, words: str, now: float) -> None:
        """Take a frame."""
        self._keys = {key.name: key for key in ring.keys}
        self._now = now
        self.keys = tuple(key.name for key in ring.keys if not words or matches(words, _text(key)))

    def key(self, name: Hashable) -> KeySeen | None:
        """The key of that name, if it is still there."""
        return self._keys.get(name) if isinstance(name, str) else None

    def cells(self, key: Hashable) -> tuple[Cell, ...]:
        found = self.key(key)
        if found is None:
            return (UNKNOWN,) * len(COLUMNS)
        return (
            Cell(found.name, Role.STRONG),
            Cell(found.role.value, Role.WARN if found.role is Access.ADMIN else Role.TEXT),
            Cell(source(found), Role.DIM),
            UNKNOWN if found.created is None else Cell(_day(found.created), Role.DIM),
            _used(found, self._now),
            state(found),
        )


def _text(key: KeySeen) -> str:
    return f"{key.name} {key.role} {source(key)} {key.trouble or 'usable'}".lower()


def source(key: KeySeen) -> str:
    """`file`, `memory`, `NEXUS_KEY_MARIA`, or both."""
    if not key.variable:
        return key.source
    return key.variable if key.source == "variable" else f"{key.source}, {key.variable}"


def state(key: KeySeen) -> Cell:
    """Whether it opens what it should, and whose it is."""
    if key.trouble and key.source == "variable":
        return Cell(f"✖ {key.trouble}", Role.BAD)
    if key.trouble:
        return Cell(f"! {key.trouble}", Role.WARN)
    if key.source == "memory":
        return Cell("! until Nexus stops", Role.WARN)
    return Cell("● usable, yours" if key.yours else "● usable", Role.OK)


def _used(key: KeySeen, now: float) -> Cell:
    if key.last_used is None:
        return UNKNOWN
    return Cell(f"{span(now - key.last_used)} ago")


def _day(at: float) -> str:
    return datetime.fromtimestamp(at, UTC).strftime("%Y-%m-%d")


def title(ring: Keyring | None, shown: int, words: str, trouble: str) -> Line:
    """What stands above the rows."""
    pieces: list[Cell | str] = [Cell("Keys")]
    if ring is not None:
        pieces += [
            Cell(f" {count(len(ring.keys))}", Role.DIM),
            "   ",
            Cell(without(ring), Role.DIM),
        ]
    if words:
        pieces += ["   ", Cell(f"filter {words}: {plural(shown, 'row')}", Role.WARN)]
    if trouble:
        pieces += ["   ", Cell(f"✖ {trouble}", Role.BAD)]
    return line(*pieces)


def without(ring: Keyring) -> str:
    """What holds for callers of the gateway's machine that come without a key."""
    if ring.read_only:
        return "read-only: over HTTP nobody changes anything"
    if ring.local is None:
        return "nobody gets in without one"
    return f"without one, callers on its machine are {ring.local.value}"


def no_keys(ring: Keyring | None, role: Access, trouble: str) -> tuple[Line, ...]:
    """The section where there is no row to show, and why."""
    head = line("  ", Cell("Keys", Role.HEAD))
    if not role.may(Access.ADMIN):
        return (head, _nothing("Only admins see the keys of the control plane."))
    if trouble:
        return (head, line("  ", Cell(f"✖ {trouble}", Role.BAD)))
    if ring is None:
        return (head, line("  ", Cell("◐ Reading them.", Role.INFO)))
    rest = (
        "Nobody gets in over HTTP"
        if ring.local is None
        else f"Local callers are {ring.local.value} without one"
    )
    return (
        head,
        _nothing(f"None. {rest}; other machines are shut out."),
        line("  ", "A key lets a laptop attach, or a script in, with a role of its own."),
        line("  ", Cell("n", Role.ACCENT), " makes one."),
    )


def detail_lines(key: KeySeen, now: float) -> tuple[Line, ...]:
    """Everything about one key, which is not much: never the key itself."""
    used = "not since Nexus started" if key.last_used is None else ""
    facts = (
        ("Role", f"{key.role.value}: may {MAY[key.role]}"),
        ("From", _where(key)),
        ("Created", "not written down" if key.created is None else _moment(key.created)),
        ("Last used", used or f"{span(now - (key.last_used or now))} ago"),
        ("Written as", f"api:{key.name}, in the changes"),
    )
    return (
        *(line(Cell(f"{label:<{_LABEL}}", Role.DIM), Cell(text)) for label, text in facts),
        line(Cell(f"{'State':<{_LABEL}}", Role.DIM), state(key)),
    )


def _where(key: KeySeen) -> str:
    told = {
        "file": "the configuration file, as its SHA-256",
        "memory": "memory: it is lost when Nexus stops",
        "variable": f"the variable {key.variable} of Nexus",
    }[key.source]
    return f"{told}; and {key.variable}" if key.variable and key.source != "variable" else told


def _moment(at: float) -> str:
    return datetime.fromtimestamp(at, UTC).strftime("%Y-%m-%d %H:%M UTC")


def impact_lines(impact: KeyImpact | None) -> tuple[Line, ...]:
    """What would come of it; None while that is asked."""
    if impact is None:
        return (line(Cell("◐ looking what it would do", Role.INFO)),)
    return (
        *(line(Cell(f"! {each}", Role.WARN)) for each in impact.warnings),
        *(line(Cell(each, Role.DIM)) for each in impact.effects),
    )


def secret_lines(made: KeyMade, url: str) -> tuple[Line, ...]:
    """The new key, and how it is used."""
    kept = line(Cell("It is shown this once: Nexus keeps its SHA-256 only.", Role.WARN))
    if made.unkept:
        lost = f"! It opens Nexus until that stops, since {made.unkept}."
        kept = line(Cell(lost, Role.WARN))
    return (
        line(Cell(made.key, Role.STRONG)),
        BLANK,
        kept,
        line("Put it into a file of yours, and from elsewhere:"),
        line(Cell(f"nexus attach {url} --key-file FILE", Role.ACCENT)),
    )


def read_role(text: str) -> Access:
    """A role by its name or the beginning of it.

    Raises:
        Wrong: it is none.
    """
    text = text.strip().lower()
    for role in Access:
        if text and role.value.startswith(text):
            return role
    raise Wrong("a role is viewer, operator or admin")


def _nothing(text: str) -> Line:
    return line("  ", Cell(f"○ {text}", Role.DIM))
