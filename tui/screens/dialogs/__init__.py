"""Dialogs that change backends: each says what it will do, and asks before it does."""
