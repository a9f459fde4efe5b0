"""Senses: what is told to people and programs about what happened."""
