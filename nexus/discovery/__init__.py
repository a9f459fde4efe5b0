"""The eyes: servers that nobody configured."""
