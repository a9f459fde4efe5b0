"""Settings of `[routing]`: strategy, weights, aliases, fallbacks, traffic policies, budget."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, cast

from pydantic import BeforeValidator, Field

from nexus.config.kinds import (
    ENDPOINTS,
    Allowed,
    EndpointWords,
    Glob,
    HardLimitAction,
    HardLimitWord,
    HeaderGlobs,
    Interval,
    Money,
    Name,
    Percent,
    Percentage,
    PrivacyWord,
    StrategyWord,
    Switch,
    TenantGlobs,
    Tier,
)
from nexus.config.section import Section
from nexus.domain.conditions import Conditions
from nexus.domain.policy import Policy, Strategy, Weights
from nexus.domain.traffic import Traffic, TrafficPolicy


class WeightsConfig(Section):
    """`[routing.weights]`: parts of the smart score, in percent. They sum to 100."""

    priority: Percent = Field(default=50, description="Weight of `backends[].priority`, percent.")
    load: Percent = Field(default=30, description="Weight of requests in flight, percent.")
    latency: Percent = Field(default=20, description="Weight of time to first byte, percent.")


class PolicyConfig(Section):
    """`[[routing.policies]]`: the first that matches a model's name, and all with conditions."""

    model_pattern: Glob = Field(
        description="Matches the whole of a model name: the one asked for, and each it becomes.",
        examples=["llama*"],
    )
    tenants: TenantGlobs = Field(
        default=(),
        description="Condition: only these tenants; without client keys everybody is `anonymous`.",
        examples=[["acme", "team-*"]],
    )
    endpoints: EndpointWords = Field(
        default=(), description="Condition: only these endpoints.", examples=[["embeddings"]]
    )
    headers: HeaderGlobs = Field(
        default_factory=dict[str, str],
        description="Condition: requests with all of these headers; not for `unrestricted`, since "
        "clients send what they like.",
        examples=[{"X-Team": "research*"}],
    )
    privacy: PrivacyWord | None = Field(
        default=None,
        description="`restricted`: only backends of that zone. `unrestricted`: any zone.",
        examples=["restricted"],
    )
    min_tier: Tier | None = Field(
        default=None, description="Least capability tier of a backend that may serve.", examples=[2]
    )
    max_cost_per_request: Money | None = Field(
        default=None,
        description="Most that one request may be estimated to cost, USD.",
        examples=[0.05],
    )
    fallback_allowed: Switch = Field(
        default=True, description="Whether `routing.fallbacks` apply to these models."
    )

    def rule(self) -> TrafficPolicy:
        """The entry as routing takes it."""
        return TrafficPolicy(
            self.model_pattern,
            self.privacy,
            self.min_tier,
            self.fallback_allowed,
            self.max_cost_per_request,
            Conditions(
                self.tenants,
                tuple(ENDPOINTS[word] for word in self.endpoints),
                tuple(sorted((name.lower(), glob) for name, glob in self.headers.items())),
            ),
        )


class BudgetConfig(Section):
    """`[routing.budget]`: what cloud backends may cost in a calendar month (UTC)."""

    monthly_limit_usd: Money | None = Field(
        default=None, description="USD per month; absent or 0 means no budget.", examples=[50.0]
    )
    soft_limit_percent: Percentage = Field(
        default=75.0, description="Percent of the limit from which local backends are preferred."
    )
    hard_limit_action: HardLimitWord = Field(
        default=HardLimitAction.WARN, description="What happens when the limit is reached."
    )
    reconciliation_interval_secs: Interval = Field(
        default=60, description="How often the books are checked, seconds."
    )


def policies_as_list(value: object) -> object:
    """Accept `[routing.policies."glob"]` tables beside `[[routing.policies]]`."""
    if not isinstance(value, dict):
        return value
    table = cast("dict[str, object]", value)
    return [
        {"model_pattern": pattern, **cast("dict[str, object]", rest)}
        if isinstance(rest, dict)
        else rest
        for pattern, rest in table.items()
    ]


def _tidy_aliases(value: object) -> object:
    """Trim names and targets; an alias to nothing is no alias."""
    if not isinstance(value, dict):
        return value
    table = cast("dict[str, object]", value)
    tidy = {
        name.strip(): target.strip() if isinstance(target, str) else target
        for name, target in table.items()
    }
    return {name: target for name, target in tidy.items() if target != ""}


class RoutingConfig(Section):
    """`[routing]`: how a backend is chosen among those that can serve."""

    strategy: StrategyWord = Field(
        default=Strategy.SMART, description="How to choose among backends that can serve."
    )
    max_retries: Annotated[int, Field(strict=True, ge=0, le=100)] = Field(
        default=2, description="Further backends tried while no byte of an answer has been sent."
    )
    weights: WeightsConfig = Field(
        default_factory=WeightsConfig, description="Weights of the `smart` strategy; sum 100."
    )
    aliases: Annotated[
        Mapping[Name, Name],
        BeforeValidator(_tidy_aliases),
        Allowed("a table of name = model; at most 3 hops, no circles"),
    ] = Field(
        default_factory=dict[str, str],
        description="Other names for models; a real model of that name wins. Case-sensitive.",
        examples=[{"gpt-4": "llama3:70b"}],
    )
    fallbacks: Annotated[
        Mapping[Name, tuple[Name, ...]], Allowed("a table of model = [models to try, in order]")
    ] = Field(
        default_factory=dict[str, tuple[str, ...]],
        description="What to serve when nothing can serve a model. One level.",
        examples=[{"llama3:70b": ["llama3:8b", "mistral:7b"]}],
    )
    policies: Annotated[
        tuple[PolicyConfig, ...],
        BeforeValidator(policies_as_list),
        Allowed('[[routing.policies]] entries, or [routing.policies."glob"] tables'),
    ] = Field(default=(), description="Rules by model name; the strictest name binds a request.")
    default_privacy: PrivacyWord | None = Field(
        default=None,
        description="Without a policy. Absent: a model of a restricted backend stays restricted.",
        examples=["restricted"],
    )
    budget: BudgetConfig = Field(
        default_factory=BudgetConfig, description="What cloud backends may cost."
    )

    def policy(self, *, health_checked: bool) -> Policy:
        """The part routing sees. `health_checked` False makes unknown backends routable."""
        return Policy(
            strategy=self.strategy,
            weights=Weights(self.weights.priority, self.weights.load, self.weights.latency),
            aliases=self.aliases,
            fallbacks=self.fallbacks,
            max_attempts=1 + self.max_retries,
            unknown_is_routable=not health_checked,
            traffic=Traffic(each.rule() for each in self.policies),
            privacy=self.default_privacy,
        )
