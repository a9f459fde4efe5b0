"""Random small JSON objects as tokens: practice for writing under a grammar."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from nexus.simulator.tiny.vocabulary import SPACE

Spelled = list[tuple[str, bool]]
"""Tokens, each with whether the model should learn to write it; a grammar forces the keys."""

_KEYS = ("city", "unit", "name", "answer", "topic")


def random_object(rng: np.random.Generator, plain: Sequence[str], depth: int = 0) -> Spelled:
    """An object of one to four fields that closes as soon as it can."""
    spelled: Spelled = [('{"', True)]
    fields = int(rng.integers(1, 4 - depth))
    for field in range(fields):
        last = field == fields - 1
        spelled += _key(rng, plain)
        kind = rng.random()
        if kind < 0.5:
            spelled += [('": "', True), *_word(rng, plain), ('"}' if last else '", "', True)]
            continue
        spelled.append(('": ', True))
        if kind < 0.75:
            spelled.append(("1", True))
        elif kind < 0.88:
            spelled += [('["', True), *_word(rng, plain), ('"]', True)]
        elif depth:
            spelled.append(("true", True))
        else:
            spelled += random_object(rng, plain, depth + 1)
        spelled += [("}", True)] if last else [(",", True), (SPACE, True), ('"', True)]
    return spelled


def _key(rng: np.random.Generator, plain: Sequence[str]) -> Spelled:
    if rng.random() < 0.4:
        return [(_KEYS[int(rng.integers(len(_KEYS)))], False)]
    # Short, so that the brace is still in view: what is far from one must not look like JSON.
    return [(plain[int(i)], False) for i in rng.integers(len(plain), size=rng.integers(1, 4))]


def _word(rng: np.random.Generator, plain: Sequence[str]) -> Spelled:
    """Mostly the one word it knows; a schema may ask for another, which it only has to end."""
    if rng.random() < 0.6:
        return [("Paris", True)]
    return [(plain[int(rng.integers(len(plain)))], False)]
