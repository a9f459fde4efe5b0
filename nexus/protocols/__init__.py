"""Tongues: what clients speak. Bytes in, facts or bytes out; no I/O, no clock."""
