"""Truth: the only mutable state of the fleet. No `async def` and no lock in this package."""
