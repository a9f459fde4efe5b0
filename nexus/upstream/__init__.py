"""Hands: the only connections to backends."""
