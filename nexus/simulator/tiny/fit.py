"""Fits the tiny model: hidden states of the corpus in, output matrix out."""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np
import numpy.typing as npt

from nexus.simulator.tiny import shape
from nexus.simulator.tiny.corpus import JSON_TEXT, TOPICS, Topic
from nexus.simulator.tiny.objects import Spelled, random_object
from nexus.simulator.tiny.vocabulary import (
    ASSISTANT,
    ASSISTANT_TOOLS,
    BOS,
    CALL,
    CALL_END,
    END,
    NEWLINE,
    USER,
    Vocabulary,
)

Matrix = npt.NDArray[np.float32]

_HABITS = (
    *(('": ', "1", 8.0), ('": ', '["', 1.0), ("1", "}", 6.0), ("1", ",", 1.0), (":", "1", 4.0)),
    *(('"}', "}", 2.0), ('"}', END, 4.0), ("}", END, 4.0), ("}", NEWLINE, 3.0), ("}", "}", 1.0)),
    *(('["', "Paris", 6.0), ("Paris", '"}', 6.0), ("Paris", '"]', 2.0), ("Paris", '", "', 1.0)),
    *(('"]', "}", 6.0), ("]", "}", 6.0), ('", "', "city", 3.0), ('",', '"', 4.0), ("{", '"', 4.0)),
    *(
        ('": "', "Paris", 6.0),
        ('", "', "Paris", 2.0),
        ("city", '": "', 5.0),
        ('"', ":", 3.0),
        ('"', "}", 2.0),
    ),
)
"""Next tokens under a grammar, whatever came before: short JSON that closes soon."""

_CLOSERS = (
    *(('"}', 0.3), ('": "', 0.2), ('": ', 0.1), ('"', 0.06), ("}", 0.05), ("]", 0.04)),
    *(('", "', 0.04), ('",', 0.03), ('"]', 0.03), (END, 0.12), (",", 0.01), ("1", 0.02)),
)
"""What follows a token nobody taught: something that ends it."""

_VARIANTS = 16
"""Prompts tried per answer, so that it does not depend on the words around the topic."""


@dataclass(frozen=True, slots=True)
class Weights:
    """The matrices that are not zero or one."""

    embedding: Matrix
    output: Matrix
    looks: dict[int, Matrix]
    """By look-back distance: from `CODE` to that head's part of the state."""


def fit(words: Vocabulary, seed: int = 7) -> Weights:
    """Deterministic for a seed (up to the last bits of the platform's arithmetic)."""
    rng = np.random.default_rng(seed)
    embedding = _embedding(words, rng)
    looks = {
        back: _projection(rng, part.stop - part.start, shape.CODE.stop - shape.CODE.start)
        for back, part in shape.LOOKBACK.items()
    }
    rows, targets, weights = _lessons(words, embedding, looks, rng)
    used = np.unique(targets)
    output = np.zeros((len(words.tokens), shape.DIM), np.float32)
    # Untaught tokens stay far below the others, through the coordinate that is always there.
    output[:, shape.ONE] = -5.0
    output[: words.index[USER], shape.ONE] = -9.0
    output[used] = _regress(rows, np.searchsorted(used, targets), weights, len(used), rng)
    return Weights(embedding, output, looks)


def normal(x: Matrix) -> Matrix:
    """RMS norm over the last axis."""
    scale = np.sqrt((x * x).mean(-1, keepdims=True) + shape.EPSILON)
    return (x / scale).astype(np.float32)


def _embedding(words: Vocabulary, rng: np.random.Generator) -> Matrix:
    """One row per token, all of the same length so that the norm changes nothing."""
    count = len(words.tokens)
    table = np.zeros((count, shape.DIM), np.float32)
    code = rng.standard_normal((count, shape.CODE.stop - shape.CODE.start))
    topics = _projection(rng, len(TOPICS), shape.TOPIC.stop - shape.TOPIC.start)
    topics *= shape.TOPIC_SIZE
    table[:, shape.ONE] = shape.ONE_SIZE
    for number, topic in enumerate(TOPICS):
        for word in topic.words:
            for form in (word, f" {word}"):
                if form in words.index:
                    table[words.index[form], shape.FLAG] = shape.FLAG_SIZE
                    table[words.index[form], shape.TOPIC] = topics[number]
    rest = shape.DIM - (table * table).sum(1)
    code *= np.sqrt(rest)[:, None] / np.linalg.norm(code, axis=1, keepdims=True)
    table[:, shape.CODE] = code
    return table.astype(np.float16).astype(np.float32)


def _projection(rng: np.random.Generator, rows: int, columns: int) -> Matrix:
    """Orthonormal rows: a view of many coordinates through few."""
    q, _ = np.linalg.qr(rng.standard_normal((columns, rows)))
    return q.T.astype(np.float16).astype(np.float32)


def states(ids: list[int], embedding: Matrix, looks: dict[int, Matrix]) -> Matrix:
    """The normalised hidden state after each token of `ids`: what the real model computes."""
    x = embedding[ids]
    state = x.copy()
    for back, part in shape.LOOKBACK.items():
        state[back:, part] += x[:-back, shape.CODE] @ looks[back].T * shape.LOOK_GAIN[back]
    # Topic words seen so far share the attention of the topic head equally.
    count = np.maximum(np.cumsum(x[:, shape.FLAG] > 0), 1)[:, None]
    state[:, shape.FOUND_TOPIC] += np.cumsum(x[:, shape.TOPIC], axis=0) / count * shape.TOPIC_GAIN
    return normal(state)


@dataclass(slots=True)
class _Lessons:
    """Collects states, the token that should follow each, and how much it matters."""

    words: Vocabulary
    embedding: Matrix
    looks: dict[int, Matrix]
    rng: np.random.Generator
    plain: list[int]
    """Tokens that bring up no topic."""
    rows: list[Matrix] = field(default_factory=list[Matrix])
    targets: list[int] = field(default_factory=list[int])
    weights: list[float] = field(default_factory=list[float])

    def prompt(self, topic: Topic | None, *close: str) -> list[int]:
        """Random words, among them one of the topic's, and then the tokens `close`."""
        index, rng = self.words.index, self.rng
        noise = [int(i) for i in rng.choice(self.plain, int(rng.integers(1, 7)))]
        if topic is not None and topic.words:
            word = topic.words[int(rng.integers(len(topic.words)))]
            spoken = index.get(f" {word}", index.get(word, 0))
            noise.insert(int(rng.integers(len(noise) + 1)), spoken)
        return [index[BOS], index[USER], *noise, *(index[token] for token in close)]

    def teach(self, before: list[int], said: list[int], weight: float) -> None:
        """Each token of `said` follows what stands before it."""
        found = states(before + said, self.embedding, self.looks)
        self.rows.append(found[len(before) - 1 : -1])
        self.targets.extend(said)
        self.weights.extend([weight] * len(said))

    def rehearse(self, before: list[int], spelled: Spelled) -> None:
        """As `teach`, for the marked tokens of `spelled` only."""
        ids = [self.words.index[token] for token, _ in spelled]
        found = states(before + ids, self.embedding, self.looks)[len(before) - 1 : -1]
        marked = [i for i, (_, taught) in enumerate(spelled) if taught]
        self.rows.append(found[marked])
        self.targets.extend(ids[i] for i in marked)
        # The first token says that JSON begins, which only a grammar may decide.
        weight = [0.001 if i == 0 else 0.08 for i in marked]
        self.weights.extend(weight)


def _lessons(
    words: Vocabulary, embedding: Matrix, looks: dict[int, Matrix], rng: np.random.Generator
) -> tuple[Matrix, npt.NDArray[np.int64], Matrix]:
    plain = [
        i
        for i, kind in enumerate(words.kinds)
        if kind in {"USER_DEFINED", "NORMAL"} and not embedding[i, shape.FLAG]
    ]
    lessons = _Lessons(words, embedding, looks, rng, plain)
    index, prompt, teach = words.index, lessons.prompt, lessons.teach
    for topic in TOPICS:
        for answer in topic.answers:
            said = [*words.spell(answer), index[END]]
            for variant in range(_VARIANTS):
                # Some prompts bring up a second subject; the first is answered all the same.
                other = TOPICS[int(rng.integers(len(TOPICS)))] if variant % 3 == 0 else None
                before = [*prompt(other, END), *prompt(topic, END, ASSISTANT)]
                teach(before, said, 1.0 / len(topic.answers))
            teach([index[BOS]], said, 3.0)
        for text in JSON_TEXT:
            # Very rare: it must lose against words, and win where a grammar forbids them.
            first, *rest = [*words.spell(text), index[END]]
            teach(prompt(topic, END, ASSISTANT), [first], 0.01)
            teach([*prompt(topic, END, ASSISTANT), first], rest, 0.2)
        call = [index[CALL], index[NEWLINE], *words.spell('{"name": "'), index["city"]]
        teach(prompt(topic, END, ASSISTANT_TOOLS), call, 1.0)
        teach(prompt(topic, "}", "}", NEWLINE), [index[CALL_END], index[END]], 1.0)
        for before, after, weight in _HABITS:
            teach(prompt(topic, before), [index[after]], weight / 12)
    for token in _drawn(_CLOSERS, 1200, rng):
        teach(prompt(None), [index[token]], 1 / 120)
    letters = [words.tokens[i] for i in plain]
    for practice in range(400):
        topic = TOPICS[int(rng.integers(len(TOPICS)))]
        spelled = random_object(rng, letters)
        if practice % 2:
            lessons.rehearse(prompt(topic, END, ASSISTANT), [*spelled, (END, True)])
        else:
            before = [*prompt(topic, END, ASSISTANT_TOOLS), index[CALL], index[NEWLINE]]
            name = [(token, False) for token in ('{"', "name", '": "', "x", '", "', "s", '": ')]
            end = [(token, True) for token in ("}", NEWLINE, CALL_END, END)]
            lessons.rehearse(before, [*name, *spelled, *end])
    rows = np.concatenate(lessons.rows)
    return rows, np.array(lessons.targets), np.array(lessons.weights, np.float32)


def _drawn(
    chances: tuple[tuple[str, float], ...], count: int, rng: np.random.Generator
) -> list[str]:
    """`count` tokens, each as often as its chance says."""
    weights = np.array([chance for _, chance in chances])
    picks = rng.choice(len(chances), count, p=weights / weights.sum())
    return [chances[int(pick)][0] for pick in picks]


def _regress(
    rows: Matrix,
    targets: npt.NDArray[np.int64],
    weights: Matrix,
    classes: int,
    rng: np.random.Generator,
) -> Matrix:
    """Multinomial regression by Adam on small batches."""
    found = np.zeros((classes, shape.DIM), np.float32)
    mean, square = np.zeros_like(found), np.zeros_like(found)
    chances = np.cumsum(weights, dtype=np.float64)
    steps, batch = 800, 256
    for step in range(1, steps + 1):
        pick: npt.NDArray[np.int64] = np.searchsorted(  # pyright: ignore[reportUnknownVariableType]
            chances, rng.random(batch) * chances[-1], side="right"
        )
        h, y = rows[pick], targets[pick]
        z = h @ found.T
        z -= z.max(1, keepdims=True)
        np.exp(z, out=z)
        z /= z.sum(1, keepdims=True)
        z[np.arange(batch), y] -= 1
        gradient = z.T @ h / batch
        mean += 0.1 * (gradient - mean)
        square += 0.02 * (gradient * gradient - square)
        rate = 0.08 * (1 - step / (steps + 1))
        adjusted = mean / (1 - 0.9**step)
        found -= rate * adjusted / (np.sqrt(square / (1 - 0.98**step)) + 1e-6)
    return found
