from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

import nexus
from nexus.simulator.tinymodel import cache_dir, tiny_model

pytest.importorskip("numpy")
pytest.importorskip("gguf")


def write(cache: Path) -> Path:
    """As a demo does: in another process, with one thread."""
    ran = subprocess.run(
        [sys.executable, "-m", "nexus.simulator.tinymodel"],
        env={**os.environ, "NEXUS_CACHE_DIR": str(cache), "OPENBLAS_NUM_THREADS": "1"},
        cwd=Path(nexus.__file__).parents[1],
        capture_output=True,
        check=True,
        text=True,
    )
    return Path(ran.stdout.strip())


def test_the_file_is_small_whole_and_made_once(tmp_path: Path) -> None:
    path = write(tmp_path / "cache")
    made = path.stat()

    again = tiny_model(tmp_path / "cache")

    assert path.read_bytes().startswith(b"GGUF")
    assert made.st_size < 1_000_000
    assert (again, again.stat().st_mtime_ns) == (path, made.st_mtime_ns)
    assert [found.name for found in (tmp_path / "cache").iterdir()] == [path.name]


def test_the_same_recipe_gives_the_same_file(tmp_path: Path) -> None:
    first = write(tmp_path / "a")
    second = write(tmp_path / "b")

    assert first.name == second.name
    assert first.read_bytes() == second.read_bytes()


def test_a_cache_that_cannot_be_written_leaves_nothing_behind(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("in the way")

    with pytest.raises(OSError, match="file"):
        tiny_model(tmp_path / "file")


def test_the_cache_is_where_the_platform_keeps_caches() -> None:
    assert cache_dir({"NEXUS_CACHE_DIR": "/x"}, "linux") == Path("/x")
    assert cache_dir({"XDG_CACHE_HOME": "/c"}, "linux") == Path("/c/nexus")
    assert cache_dir({}, "linux") == Path.home() / ".cache" / "nexus"
    assert cache_dir({}, "darwin") == Path.home() / "Library" / "Caches" / "nexus"
    assert cache_dir({"LOCALAPPDATA": "/l"}, "win32") == Path("/l/nexus/Cache")
