"""Screens: which widgets there are, and what their keys do."""
