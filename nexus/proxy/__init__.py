"""Carrier: from a decision to relayed bytes."""
