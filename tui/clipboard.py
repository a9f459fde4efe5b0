"""Text to the operator's clipboard, over SSH and inside tmux too, and by which way it went.

tmux drops the escape sequence that terminals understand, and takes text from a command instead.
Terminals cut long sequences: what is too long is shown to be selected by hand.
"""

from __future__ import annotations

import asyncio
import base64
import os
import shlex
from asyncio.subprocess import DEVNULL, PIPE
from collections.abc import Callable, Mapping
from enum import Enum

from tui.clean import clean

MOST = 74_994
"""Bytes of base64 that terminals take in one sequence."""
LINES, LINE = 5000, 4000
"""Of a text, and characters of each line."""
PATIENCE_S = 3.0


class Way(Enum):
    """How a text went, with the words for the operator."""

    TMUX = "by tmux"
    OSC52 = "by the terminal (OSC 52)"
    SHOWN = "shown to be selected by hand"


def harmless(text: str) -> str:
    """`text` with its line breaks and nothing else that a terminal would obey."""
    return "\n".join(clean(each, LINE) for each in text.split("\n")[:LINES])


def osc52(text: str) -> str | None:
    """The sequence that sets the clipboard; None when terminals would cut it."""
    encoded = base64.b64encode(text.encode("utf-8", "replace")).decode()
    return f"\x1b]52;c;{encoded}\a" if len(encoded) <= MOST else None


async def copy(
    text: str, write: Callable[[str], object], environ: Mapping[str, str] | None = None
) -> Way:
    """Put `text` on the clipboard.

    Args:
        text: is made harmless here.
        write: sends bytes to the terminal as they are.
        environ: this process' environment when None.
    """
    text = harmless(text)
    environ = os.environ if environ is None else environ
    if environ.get("TMUX") and await _tmux(text, environ):
        return Way.TMUX
    sequence = osc52(text)
    if sequence is None or environ.get("TMUX"):
        return Way.SHOWN
    write(sequence)
    return Way.OSC52


async def _tmux(text: str, environ: Mapping[str, str]) -> bool:
    """Hand it to tmux, which hands it on to the terminal around it."""
    try:
        process = await asyncio.create_subprocess_exec(
            "tmux", "load-buffer", "-w", "-",
            stdin=PIPE, stdout=DEVNULL, stderr=DEVNULL, env=dict(environ),
        )  # fmt: skip
    except OSError:
        return False
    try:
        await asyncio.wait_for(process.communicate(text.encode("utf-8", "replace")), PATIENCE_S)
    except (TimeoutError, OSError):
        if process.returncode is None:
            process.kill()
        await process.wait()
        return False
    return process.returncode == 0


def curl(url: str, endpoint: str, model: str) -> str:
    """A command that asks the same model again: no key, and a prompt of its own."""
    name = clean(model, 200).replace("\\", "\\\\").replace('"', '\\"')
    asked = '"input": "Hello"' if endpoint.endswith("embeddings") else (
        '"prompt": "Hello"' if endpoint.endswith("/completions") and "chat" not in endpoint
        else '"messages": [{"role": "user", "content": "Hello"}]'
    )  # fmt: skip
    body = shlex.quote(f'{{"model": "{name}", {asked}}}')
    where = shlex.quote(clean(f"{url.rstrip('/')}{endpoint}"))
    return f"curl {where} -H 'Content-Type: application/json' -d {body}"
