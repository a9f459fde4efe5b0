"""Dimensions of the tiny model, and which part of its hidden state holds what."""

from __future__ import annotations

DIM = 192
HEADS = 6
HEAD_DIM = DIM // HEADS
FFN = 32
CONTEXT = 8192
ROPE_BASE = 10_000.0
EPSILON = 1e-6

ONE = 0
"""A coordinate that is the same for every token: what makes a head look regardless of the word."""
FLAG = 1
"""Set for words that bring up a topic."""
TOPIC = slice(2, 14)
"""Which topic."""
CODE = slice(14, 88)
"""A random code for each token."""
LOOKBACK = {1: slice(88, 120), 2: slice(120, 144), 3: slice(144, 162), 4: slice(162, 180)}
"""Where the heads write what they saw, by how many tokens they look back."""
FOUND_TOPIC = slice(180, 192)
"""Where the topic head writes."""

LOOK_GAIN = {1: 1.0, 2: 0.8, 3: 0.6, 4: 0.5}
"""Nearer words matter more."""

ONE_SIZE = 4.0
FLAG_SIZE = 4.0
TOPIC_SIZE = 6.0
TOPIC_GAIN = 2.5
LOOK = 9.0
"""Size of query and key per rotating pair: large enough that a head sees one token only."""
FIND = 8.0
"""The same for the topic head."""
