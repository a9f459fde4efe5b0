"""How many requests of a model may be sent again: retries must not become a storm.

A backend that answers badly under too much work gets more of it with each retry. So of each model
at most one request in five, and three at once, are tried again after an answer or a silence. Not
counted are a connection that broke, and a silence in which nobody got a byte from that backend:
these happen once per request in flight and move the backend aside.
"""

from __future__ import annotations

from typing import Final

SHARE: Final = 0.2
"""Retries that each request adds to the budget."""

AT_ONCE: Final = 3.0
"""The budget of a model that nobody has asked yet."""

MOST: Final = 10.0
"""What quiet times can save up."""

MODELS_KEPT: Final = 4096


class RetryBudget:
    """One number per model."""

    def __init__(self) -> None:
        self._left: dict[str, float] = {}

    def asked(self, model: str) -> None:
        """A request for this model begins."""
        left = self._left
        if model not in left and len(left) >= MODELS_KEPT:
            left.clear()
        more = left.get(model, AT_ONCE) + SHARE
        if more > MOST:
            more = MOST
        left[model] = more

    def take(self, model: str) -> bool:
        """Whether one more retry fits; it is counted if so."""
        left = self._left.get(model, AT_ONCE)
        if left < 1:
            return False
        self._left[model] = left - 1
        return True
