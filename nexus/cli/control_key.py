"""The key by which a command opens a control API: from a file or the environment.

Never an argument: those can be read by every user of the machine.
"""

from __future__ import annotations

import argparse
from collections.abc import Mapping

from nexus.errors import BadRequest

KEY_VARIABLE = "NEXUS_CONTROL_KEY"
LONGEST_BYTES = 4096


def add_key_option(parser: argparse.ArgumentParser) -> None:
    """`--key-file`."""
    parser.add_argument(
        "--key-file",
        metavar="FILE",
        default=argparse.SUPPRESS,
        help=f"file with a control key, where the running Nexus asks for one (environment: "
        f"{KEY_VARIABLE})",
    )


def key_for(args: argparse.Namespace, environ: Mapping[str, str]) -> str:
    """The key, or nothing.

    Raises:
        BadRequest: the file cannot be read, or holds no key.
    """
    path = getattr(args, "key_file", None)
    if path is None:
        return _checked(environ.get(KEY_VARIABLE, "").strip(), KEY_VARIABLE)
    from pathlib import Path  # late, as all that `--help` can do without

    try:
        with Path(path).expanduser().open("rb") as file:
            key = file.read(LONGEST_BYTES).decode("utf-8", "replace").strip()
    except (OSError, RuntimeError, ValueError) as error:
        why = getattr(error, "strerror", None) or str(error)
        raise BadRequest(f"--key-file {path}: {why}") from None
    if not key:
        raise BadRequest(f"--key-file {path}: there is no key in it")
    return _checked(key, f"--key-file {path}")


def _checked(key: str, source: str) -> str:
    if not key.isascii() or not (key.isprintable() or not key) or " " in key:
        raise BadRequest(f"{source}: a key is one word of letters, digits and signs")
    return key
