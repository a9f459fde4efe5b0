"""The tiny model's file: made once, kept in the user's cache, replaced when its recipe changes.

`NEXUS_CACHE_DIR` overrides the platform's cache directory. numpy and gguf, which are optional, are
imported only when the file has to be written. `python -m nexus.simulator.tinymodel` writes it.
"""

from __future__ import annotations

import hashlib
import os
import sys
import tempfile
from collections.abc import Mapping
from pathlib import Path


def cache_dir(environ: Mapping[str, str], platform: str = sys.platform) -> Path:
    """Where Nexus keeps what it can make again. Not created here."""
    own = environ.get("NEXUS_CACHE_DIR")
    if own:
        return Path(own)
    if platform == "win32":
        base = environ.get("LOCALAPPDATA")
        return (Path(base) if base else Path.home() / "AppData" / "Local") / "nexus" / "Cache"
    if platform == "darwin":
        return Path.home() / "Library" / "Caches" / "nexus"
    base = environ.get("XDG_CACHE_HOME")
    return (Path(base) if base else Path.home() / ".cache") / "nexus"


def tiny_model_path(directory: Path | None = None) -> Path:
    """Where the file is or will be."""
    return (directory or cache_dir(os.environ)) / f"tiny-llama-{_recipe()}.gguf"


def tiny_model(directory: Path | None = None) -> Path:
    """Path of the GGUF file, written first if it is not there. Safe against other processes.

    Raises:
        ImportError: numpy or gguf is missing and the file is not there.
        OSError: the cache cannot be written.
    """
    path = tiny_model_path(directory)
    if path.exists():
        return path
    from nexus.simulator.tiny.file import write

    path.parent.mkdir(parents=True, exist_ok=True)
    handle, name = tempfile.mkstemp(prefix=".tiny-llama-", suffix=".gguf", dir=path.parent)
    os.close(handle)
    unfinished = Path(name)
    try:
        write(unfinished)
        unfinished.replace(path)
    finally:
        unfinished.unlink(missing_ok=True)
    return path


def _recipe() -> str:
    """A short name for the code that makes the file: new code, new file."""
    digest = hashlib.sha256()
    for source in sorted((Path(__file__).parent / "tiny").glob("*.py")):
        digest.update(source.read_bytes())
    return digest.hexdigest()[:12]


if __name__ == "__main__":
    sys.stdout.write(f"{tiny_model()}\n")
