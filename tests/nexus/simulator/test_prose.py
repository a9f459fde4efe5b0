from __future__ import annotations

import math

from nexus.simulator.prose import embedding, sample, write


def test_prose_is_the_same_every_time_and_says_simulated() -> None:
    words = write("box", "llama", "Hello", 40)

    assert words == write("box", "llama", "Hello", 40)
    assert words != write("box", "llama", "Bye", 40)
    assert len(words) == 40
    assert "".join(words).startswith("This is a simulated answer by llama on box. ")


def test_embeddings_are_unit_vectors_closer_when_words_are_shared() -> None:
    one, two, other = (embedding(t, 64) for t in ("red fox runs", "the red fox", "blue sky"))

    def dot(a: list[float], b: list[float]) -> float:
        return math.fsum(x * y for x, y in zip(a, b, strict=True))

    assert math.isclose(dot(one, one), 1, abs_tol=1e-6)
    assert dot(one, two) > dot(one, other) + 0.2


def test_samples_fit_their_schema() -> None:
    schema = {
        "type": "object",
        "properties": {
            "s": {"type": "string"},
            "n": {"type": "integer"},
            "e": {"enum": ["a", "b"]},
            "l": {"type": "array", "items": {"type": "boolean"}},
            "o": {"type": "object", "properties": {"x": {"const": 1}}},
        },
    }
    value = sample(schema, 3)

    assert isinstance(value, dict)
    assert isinstance(value["s"], str)
    assert isinstance(value["n"], int)
    assert value["e"] in {"a", "b"}
    assert value["l"] in ([True], [False])
    assert value["o"] == {"x": 1}


def test_a_schema_that_refers_to_itself_ends() -> None:
    loop: dict[str, object] = {"type": "array"}
    loop["items"] = loop

    assert sample(loop, 1)
