"""The pulse: who is alive, who is loading, what they can do."""
