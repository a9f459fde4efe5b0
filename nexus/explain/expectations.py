"""What an operator expects of the policies, as a table of TOML or JSON says it. Pure.

```toml
[[expect]]
name = "what the clinic asks stays here"
model = "llama3.3:70b"
tenant = "clinic"
never_zone = "open"
```
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final, TypeVar, cast

from nexus.domain.backend import Zone
from nexus.domain.request import ANONYMOUS, Endpoint, Needs
from nexus.domain.text import clean
from nexus.errors import BadRequest

T = TypeVar("T")

MOST: Final = 1000
"""Expectations in one file."""

_ASKS: Final = ("vision", "audio", "tools", "json_mode")
_REQUEST: Final = (
    "model",
    "tenant",
    "endpoint",
    "headers",
    "needs",
    "prompt_tokens",
    "zone",
    "strict",
)
_EXPECTED: Final = ("never_zone", "lands_on", "refused_with")
_KEYS: Final = ("name", *_REQUEST, *_EXPECTED)
_ENDPOINTS: Final = {each.name.lower(): each for each in Endpoint}
_ZONES: Final = {each.value: each for each in Zone}


@dataclass(frozen=True, slots=True)
class Expectation:
    """A request, and what must be so whatever is lost."""

    name: str
    needs: Needs
    headers: tuple[tuple[bytes, bytes], ...] = ()
    """Names in lower case. Which conditions they fulfil depends on the policy."""
    never_zone: Zone | None = None
    lands_on: tuple[str, ...] = ()
    """Names of backends; empty expects nothing."""
    refused_with: str = ""
    """A code of the error reference."""


def read_expectations(table: Mapping[str, object]) -> tuple[Expectation, ...]:
    """Every `[[expect]]` of a file.

    Raises:
        BadRequest: one or more cannot be read; the sentence lists all mistakes.
    """
    wrong: list[str] = []
    given = table.get("expect")
    if not isinstance(given, list) or not given:
        raise BadRequest("There is nothing to check: write [[expect]] entries")
    entries = cast("list[object]", given)
    if len(entries) > MOST:
        raise BadRequest(f"There are {len(entries)} expectations; at most {MOST} are checked")
    found = [_read(entry, number, wrong) for number, entry in enumerate(entries)]
    if wrong:
        raise BadRequest("\n".join(wrong))
    return tuple(each for each in found if each is not None)


def _read(entry: object, number: int, wrong: list[str]) -> Expectation | None:
    where = f"expect[{number}]"
    if not isinstance(entry, dict):
        wrong.append(f"{where} is no table")
        return None
    facts = cast("dict[str, object]", entry)
    reader = _Reader(facts, where, wrong)
    for key in facts:
        if key not in _KEYS:
            reader.say(key, f"is unknown; known are {', '.join(_KEYS)}")
    model = reader.text("model")
    if not model:
        reader.say("model", "is missing: name the model that is asked for")
    if not any(facts.get(key) for key in _EXPECTED):
        wrong.append(f"{where} expects nothing: set {', '.join(_EXPECTED[:-1])} or {_EXPECTED[-1]}")
    if facts.get("refused_with") and facts.get("lands_on"):
        reader.say("lands_on", "and refused_with contradict each other")
    asks: dict[str, Any] = dict.fromkeys(reader.words("needs", _ASKS), True)
    endpoint = reader.word("endpoint", _ENDPOINTS) or Endpoint.CHAT
    zone = reader.word("zone", {"restricted": Zone.RESTRICTED})
    needs = Needs(
        endpoint,
        model,
        prompt_tokens=reader.number("prompt_tokens"),
        tenant=reader.text("tenant") or ANONYMOUS,
        zone=zone,
        strict=reader.flag("strict"),
        **asks,
    )
    return Expectation(
        name=clean(reader.text("name")) or clean(f"{model}"),
        needs=needs,
        headers=reader.headers(),
        never_zone=reader.word("never_zone", _ZONES),
        lands_on=reader.words("lands_on"),
        refused_with=reader.text("refused_with"),
    )


class _Reader:
    """Reads the values of one entry, and says what is wrong with them."""

    def __init__(self, facts: Mapping[str, object], where: str, wrong: list[str]) -> None:
        self._facts = facts
        self._where = where
        self._wrong = wrong

    def say(self, key: str, sentence: str) -> None:
        """Note a mistake."""
        self._wrong.append(f"{self._where}.{clean(key, 60)} {sentence}")

    def text(self, key: str) -> str:
        value = self._facts.get(key, "")
        if isinstance(value, str) and len(value) <= 500:
            return value
        self.say(key, "must be a short text")
        return ""

    def number(self, key: str) -> int:
        value = self._facts.get(key, 0)
        if isinstance(value, int) and not isinstance(value, bool) and value >= 0:
            return value
        self.say(key, "must be a whole number, 0 or more")
        return 0

    def flag(self, key: str) -> bool:
        value = self._facts.get(key, False)
        if isinstance(value, bool):
            return value
        self.say(key, "must be true or false")
        return False

    def word(self, key: str, known: Mapping[str, T]) -> T | None:
        value = self._facts.get(key)
        if value is None:
            return None
        if isinstance(value, str) and value.lower() in known:
            return known[value.lower()]
        self.say(key, f"must be one of {', '.join(known)}")
        return None

    def words(self, key: str, known: tuple[str, ...] | None = None) -> tuple[str, ...]:
        value = self._facts.get(key, [])
        listed = [value] if isinstance(value, str) else value
        if isinstance(listed, list):
            texts = [each for each in cast("list[object]", listed) if isinstance(each, str)]
            if len(texts) == len(cast("list[object]", listed)):
                if known is None or set(texts) <= set(known):
                    return tuple(texts)
                self.say(key, f"must be of {', '.join(known)}")
                return ()
        self.say(key, "must be a text or a list of texts")
        return ()

    def headers(self) -> tuple[tuple[bytes, bytes], ...]:
        value = self._facts.get("headers", {})
        found: list[tuple[bytes, bytes]] = []
        if not isinstance(value, dict):
            self.say("headers", "must be a table of header = value")
            return ()
        for name, said in cast("dict[str, object]", value).items():
            if name.lower().startswith("x-nexus-"):
                self.say("headers", f"cannot hold {clean(name, 60)}: use zone and strict")
            elif isinstance(said, str) and said.isascii() and name.isascii():
                found.append((name.lower().encode(), said.encode()))
            else:
                self.say("headers", "must be a table of header = value, in ASCII")
        return tuple(found)
