"""Nexus: one terminal and one URL over every model you have."""

__version__ = "0.1.0"
