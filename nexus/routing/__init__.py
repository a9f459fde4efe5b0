"""Decisions: pure functions of needs, fleet, loads, policy and turn; `router.decide` first."""
