"""The tiny model's tokens, and how text becomes them.

Words carry the space before them, as in every SentencePiece vocabulary. llama.cpp matches the
longest user-defined token first; `spell` does the same, so that fitting sees what serving sees.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field

from nexus.simulator.tiny.corpus import KNOWN_WORDS, TOPICS

BOS, EOS_PAD, END = "<s>", "</s>", "<|end|>"
SYSTEM, USER, ASSISTANT, TOOL = "<|system|>", "<|user|>", "<|assistant|>", "<|tool|>"
ASSISTANT_TOOLS = "<|assistant_tools|>"
CALL, CALL_END = "<tool_call>", "</tool_call>"
CONTROL = (SYSTEM, USER, ASSISTANT, ASSISTANT_TOOLS, TOOL, END)
JSON_PIECES = ('{"', '": "', '": ', '"}', '", "', '",', '["', '"]')
"""Kept whole, so that an opening quote and a closing one are different tokens."""
NEWLINE = "<0x0A>"
SPACE = "\u2581"


@dataclass(slots=True)
class Vocabulary:
    """Tokens in the order of their ids, with SentencePiece's name for the kind of each."""

    tokens: list[str] = field(default_factory=list[str])
    kinds: list[str] = field(default_factory=list[str])
    index: dict[str, int] = field(default_factory=dict[str, int])
    _pattern: re.Pattern[str] | None = None

    def add(self, token: str, kind: str) -> None:
        """Append a token unless it is there."""
        if token not in self.index:
            self.index[token] = len(self.tokens)
            self.tokens.append(token)
            self.kinds.append(kind)

    def spell(self, text: str) -> list[int]:
        """Ids of `text`."""
        if self._pattern is None:
            whole = [t for t, k in zip(self.tokens, self.kinds, strict=True)
                     if k in {"CONTROL", "USER_DEFINED"}]  # fmt: skip
            whole.sort(key=len, reverse=True)
            self._pattern = re.compile("|".join(map(re.escape, whole)) + "|.", re.DOTALL)
        ids: list[int] = []
        for piece in self._pattern.findall(text):
            name = SPACE if piece == " " else piece
            if name in self.index:
                ids.append(self.index[name])
            else:
                ids += [self.index[f"<0x{byte:02X}>"] for byte in piece.encode()]
        return ids


def vocabulary() -> Vocabulary:
    """Everything the model can read or write, about 800 tokens."""
    words = Vocabulary()
    words.add("<unk>", "UNKNOWN")
    words.add(BOS, "CONTROL")
    words.add(EOS_PAD, "CONTROL")
    for byte in range(256):
        words.add(f"<0x{byte:02X}>", "BYTE")
    for token in CONTROL:
        words.add(token, "CONTROL")
    for token in (CALL, CALL_END, "<tools>", "</tools>", *JSON_PIECES):
        words.add(token, "USER_DEFINED")
    for code in range(32, 127):
        words.add(SPACE if code == 32 else chr(code), "NORMAL")
    for topic in TOPICS:
        for word in topic.words:
            for form in (word, f" {word}"):
                if not word.startswith("<"):
                    words.add(form, "USER_DEFINED")
        for answer in topic.answers:
            for word in re.findall(r" ?[A-Za-z]+", answer):
                words.add(word, "USER_DEFINED")
    for word in KNOWN_WORDS:
        words.add(f" {word}", "USER_DEFINED")
        if len(word) > 3:
            words.add(word, "USER_DEFINED")
    for word in ("city", "unit", "yes", "answer", "topic", "name", "Paris", "true"):
        words.add(word, "USER_DEFINED")
    return words
