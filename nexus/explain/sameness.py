"""Which requests are decided alike, so that each kind is decided once. Pure.

Left out of a comparison is what no rule looks at here: sizes between two context lengths of the
fleet, a capability that no model is known to lack, tenants where no policy names any.
"""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Iterable
from dataclasses import replace
from itertools import chain

from nexus.domain.fleet import Fleet
from nexus.domain.policy import Policy
from nexus.domain.request import ANONYMOUS, Needs

_CAPABILITIES = ("vision", "audio", "tools", "json_mode")


class Sameness:
    """What to leave out, for these fleets and policies together."""

    def __init__(self, fleets: Iterable[Fleet], policies: Iterable[Policy]) -> None:
        backends = list(chain.from_iterable(fleet.backends.values() for fleet in fleets))
        models = {id(model): model for each in backends for model in each.models}.values()
        rules = list(chain.from_iterable(policy.traffic.rules for policy in policies))
        self.lengths = sorted({each.context_length for each in models if each.context_length})
        """Every context length there is, tokens."""
        self.by_tenant = any(rule.when.tenants for rule in rules)
        self._by_header = any(rule.when.headers for rule in rules)
        self._lacking = [
            name for name in _CAPABILITIES if any(getattr(each, name) is False for each in models)
        ]

    def plain(self, needs: Needs) -> Needs:
        """The needs without model, sizes and tenant, and without what makes no difference."""
        return replace(
            needs,
            model="",
            prompt_tokens=0,
            max_tokens=None,
            tenant=ANONYMOUS,
            affinity="",
            stream=False,
            flexible=False,
            headers=needs.headers if self._by_header else (),
            **{name: False for name in _CAPABILITIES if name not in self._lacking},
        )

    def size(self, tokens: int) -> int:
        """A number of tokens that stands for all that fit the same contexts."""
        index = bisect_left(self.lengths, tokens)
        if index < len(self.lengths):
            return self.lengths[index]
        return self.lengths[-1] + 1 if self.lengths else tokens

    def sizes(self, tokens: Iterable[int | None]) -> dict[int | None, int | None]:
        """The same for many at once; where no length is known no size makes a difference."""
        if not self.lengths:
            return dict.fromkeys(tokens, None)
        return {each: None if each is None else self.size(each) for each in set(tokens)}
