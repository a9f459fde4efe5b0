"""The filter of requests: words, fields, durations; parsed once, asked of every request. Pure.

Words AND. `!` before any of them hides what it would show. What cannot be understood is left out
and told in `hints`, so that rows do not vanish while somebody types.
"""

from __future__ import annotations

import operator
import re
from collections.abc import Callable, Iterable
from dataclasses import dataclass, replace
from difflib import get_close_matches
from typing import TypeVar

from nexus.domain.backend import Zone
from nexus.domain.history import GLOB, Outcome, Wanted, named
from nexus.domain.request import ANONYMOUS
from tui.render.asked import Request

FIELDS = {
    "model": "the model asked for, or the one it became",
    "backend": "its name, or a part of it",
    "status": "ok, err, left, running, refused, 4xx, 503",
    "zone": "restricted or open",
    "tenant": "exactly that one",
    "why": "the reason of the decision: fallback, conversation, score",
    "stream": "yes or no",
    "id": "a part of the request's id",
}
NUMBERS = {
    "took": "duration_ms",
    "ttft": "ttft_ms",
    "in": "prompt_tokens",
    "out": "completion_tokens",
    "speed": "tokens_per_s",
}
"""What can be compared with `<` and `>`; a bare `>2s` is about `took`."""
USAGES = (
    "model: backend: status: zone: tenant: why: stream: id:   >2s <500ms ttft>1s out>100   !hides",
    "model: backend: status: zone: tenant: why: stream: id: >2s ttft<1s !hides",
    "model: backend: status: zone: why: id: >2s !hides",
)
"""What may be typed: the first that fits is shown."""

_PIECE = re.compile(r'[^\s"]*"[^"]*"?|\S+')
_COMPARE = re.compile(r"([a-z/]*)(<=|>=|<|>)(.*)", re.DOTALL)
_NUMBER = re.compile(r"(\d{1,12}(?:\.\d{0,6})?)(ms|s|m|h|k)?")
_OPERATORS: dict[str, Callable[[float, float], bool]] = {
    "<": operator.lt,
    "<=": operator.le,
    ">": operator.gt,
    ">=": operator.ge,
}
_TIMES = {"ms": 1.0, "s": 1000.0, "m": 60_000.0, "h": 3_600_000.0}
_CLASSES: dict[str, Callable[[Request], bool]] = {
    "ok": lambda r: r.status is not None and r.status < 400 and not r.failed,
    "err": lambda r: r.failed,
    "left": lambda r: r.status == 499,
    "running": lambda r: r.status is None,
    "refused": lambda r: r.refused,
}
_SAME = {"error": "err", "errors": "err", "fault": "err", "live": "running"}
_OUTCOMES = {
    "ok": Outcome.OK,
    "left": Outcome.LEFT,
    "running": Outcome.RUNNING,
}
_YES = {"yes": True, "true": True, "1": True, "on": True, "no": False, "false": False, "0": False,
        "off": False}  # fmt: skip
_TAG = re.compile(r"\d|latest|mini|instruct|base|chat|large|small")
"""How the part of a model's name behind its colon begins: `mistral:7b` is a word, no field."""

Test = Callable[[Request], bool]
T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Term:
    """One piece of a filter."""

    test: Test
    negated: bool = False
    wanted: Wanted = Wanted()
    """What the store can look for on behalf of this piece; nothing when it is negated."""
    field: str = ""
    """`running` where it speaks of requests under way; the name where it asks for a tenant."""

    def holds(self, request: Request) -> bool:
        """Whether it lets this request through."""
        return self.test(request) is not self.negated


@dataclass(frozen=True, slots=True)
class Query:
    """A filter that was understood, as far as it could be."""

    text: str = ""
    terms: tuple[Term, ...] = ()
    hints: tuple[str, ...] = ()
    """What was not understood, each a sentence."""

    def matches(self, request: Request) -> bool:
        """Whether every piece lets it through."""
        return all(term.holds(request) for term in self.terms)

    @property
    def tenant(self) -> str:
        """The tenant looked for: only the gateway knows those, so it must be asked."""
        return next((term.field for term in self.terms if term.wanted.tenant), "")

    @property
    def asks_running(self) -> bool:
        """True when it speaks of requests under way."""
        return any(term.field == "running" for term in self.terms)

    def wanted(self) -> Wanted:
        """The same for the store; it may know less, so its answers are to be matched again."""
        asked = [term.wanted for term in self.terms]
        return Wanted(
            model=_first((w.model for w in asked), ""),
            backend=_first((w.backend for w in asked), ""),
            tenant=_first((w.tenant for w in asked), ""),
            text=_first((w.text for w in asked), ""),
            status=_first((w.status for w in asked), None),
            outcome=_first((w.outcome for w in asked), None),
            zone=_first((w.zone for w in asked), None),
            min_duration_ms=_first((w.min_duration_ms for w in asked), None),
        )


def parse(text: str) -> Query:
    """Understand a filter. Never raises."""
    terms: list[Term] = []
    hints: list[str] = []
    for piece in _PIECE.findall(text.lower()):
        bare = piece.lstrip("!")
        negated = (len(piece) - len(bare)) % 2 == 1
        if not bare:
            continue
        found = _term(bare)
        if isinstance(found, str):
            hints.append(found)
            continue
        term, hint = found
        if hint:
            hints.append(hint)
        if negated:
            if term.wanted.tenant:
                hints.append("which tenant asked is only known by asking for one: tenant:name")
                continue
            term = replace(term, negated=True, wanted=Wanted())
        terms.append(term)
    return Query(text.strip(), tuple(terms), tuple(dict.fromkeys(hints)))


def _first(values: Iterable[T], nothing: T) -> T:
    return next((value for value in values if value not in ("", None)), nothing)


def _term(piece: str) -> tuple[Term, str] | str:
    """A piece without its `!` and a hint about it; or only the hint, where it means nothing."""
    if compared := _COMPARE.fullmatch(piece):
        return _comparison(*compared.groups())
    name, colon, value = piece.partition(":")
    value = value.strip('"')
    if colon and name in FIELDS:
        if not value:
            return f"{name}: {FIELDS[name]}"
        return _field(name, value)
    word = piece.replace('"', "")
    hint = ""
    if colon and value and name.isalpha() and not _TAG.match(value):
        near = get_close_matches(name, FIELDS, 1, 0.6)
        ask = f"did you mean {near[0]}:?" if near else "looked for the text"
        hint = f"no field '{name}': {ask}"
    return Term(lambda r: word in r.text, wanted=Wanted(text=word)), hint


def _field(name: str, value: str) -> tuple[Term, str] | str:
    match name:
        case "model":
            wanted = Wanted(model=_any_case(value))
            return Term(lambda r: _named(r.models, value), wanted=wanted), ""
        case "backend":
            wanted = Wanted(backend=_any_case(value))
            return Term(lambda r: _named((r.backend.lower(),), value), wanted=wanted), ""
        case "tenant":
            glob = value if value == ANONYMOUS else _any_case(value, part=False)
            wanted = Wanted(tenant=glob)
            return Term(lambda r: r.tenant == value, wanted=wanted, field=value), ""
        case "why":
            return Term(lambda r: value in r.reasons), ""
        case "id":
            return Term(lambda r: value in r.id.lower(), wanted=Wanted(text=value)), ""
        case "zone":
            zone = next((z for z in Zone if z.value.startswith(value)), None)
            if zone is None:
                return f"zone: {FIELDS['zone']}"
            return Term(lambda r: r.zone is zone, wanted=Wanted(zone=zone)), ""
        case "stream":
            said = _YES.get(value)
            if said is None:
                return "stream: yes or no"
            return Term(lambda r: r.stream is said), ""
        case _:
            return _status(value)


def _named(names: Iterable[str], value: str) -> bool:
    return any(named(name, value, part=True) for name in names)


def _any_case(value: str, *, part: bool = True) -> str:
    """A glob for the store, which looks at case: part of a name unless it is a glob already."""
    globs = not GLOB.isdisjoint(value)
    letters = "".join(
        f"[{char}{char.upper()}]" if char.isalpha() and len(char.upper()) == 1 else char
        for char in value
    )
    if "[" in value:  # a class of its own: too clever to be made larger
        return value
    return letters if globs or not part else f"*{letters}*"


def _status(value: str) -> tuple[Term, str] | str:
    tests: list[Test] = []
    for word in value.split(","):
        word = _SAME.get(word, word)
        if word in _CLASSES:
            tests.append(_CLASSES[word])
        elif re.fullmatch("[1-5]xx", word):
            tests.append(_status_class(int(word[0])))
        elif re.fullmatch("[1-5][0-9][0-9]", word):
            tests.append(_status_is(int(word)))
        else:
            return f"status: {FIELDS['status']}"
    wanted = Wanted()
    field = ""
    if len(tests) == 1:
        word = _SAME.get(value, value)
        wanted = Wanted(status=int(word) if word.isdigit() else None, outcome=_OUTCOMES.get(word))
        field = "running" if word == "running" else ""
    return Term(lambda r: any(test(r) for test in tests), wanted=wanted, field=field), ""


def _status_class(hundreds: int) -> Test:
    return lambda r: r.status is not None and r.status // 100 == hundreds


def _status_is(status: int) -> Test:
    return lambda r: r.status == status


def _comparison(name: str, sign: str, value: str) -> tuple[Term, str] | str:
    name = {"": "took", "total": "took", "duration": "took", "tok/s": "speed"}.get(name, name)
    fact = NUMBERS.get(name)
    if fact is None:
        return f"no number '{name}': {', '.join(NUMBERS)}"
    number = _NUMBER.fullmatch(value)
    timed = fact.endswith("_ms")
    if number is None or (timed and number[2] not in _TIMES) or (
        not timed and number[2] not in (None, "k")
    ):  # fmt: skip
        return f"{name}{sign} wants {'a time: 2s, 500ms' if timed else 'a number: 100, 8k'}"
    limit = float(number[1]) * (_TIMES[number[2]] if timed else 1000.0 if number[2] else 1.0)
    compare = _OPERATORS[sign]

    def holds(request: Request) -> bool:
        known: float | None = getattr(request, fact)
        return known is not None and compare(known, limit)

    wanted = Wanted()
    if fact == "duration_ms" and sign in (">", ">="):
        wanted = Wanted(min_duration_ms=limit)
    return Term(holds, wanted=wanted), ""
