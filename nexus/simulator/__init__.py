"""Rehearsal: inference servers that speak every dialect with a timing model, and one real one.

Used by `nexus demo`, by tests and by benches. Everything listens on 127.0.0.1 and says that it is
simulated wherever its dialect leaves room to say so.
"""
