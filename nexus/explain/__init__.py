"""Saying why: decisions made again from what was kept of them, in sentences and as JSON."""
