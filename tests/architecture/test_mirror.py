"""Tests stand where their sources stand, so that each is found from the other."""

from __future__ import annotations

from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
TESTS = ROOT / "tests"

ACROSS = {
    "architecture",
    "bench",
    "data",
    "docs",
    "fakes",
    "journeys",
    "properties",
    "screens",
}
"""Folders of tests about more than one module, and of what tests use."""

WHOLE_PACKAGE = {
    "nexus/backends/test_dialects.py",
    "nexus/cli/test_hostile_server.py",
    "nexus/cli/test_live_gateway.py",
    "tui/render/test_words.py",
    "tui/sources/test_contract.py",
}
"""Tests about what all modules of one package have in common."""


def mirrored() -> list[Path]:
    return sorted(
        path.relative_to(TESTS)
        for path in TESTS.rglob("test_*.py")
        if path.relative_to(TESTS).parts[0] not in ACROSS
        and path.relative_to(TESTS).as_posix() not in WHOLE_PACKAGE
    )


def sources_of(test: Path) -> list[Path]:
    """Where the source of a test may stand: a module, a package, or a family of modules."""
    folder = ROOT / test.parent
    name = test.stem.removeprefix("test_")
    found = [folder / f"{name}.py", folder / name / "__init__.py"]
    words = name.split("_")  # test_checker_live tests checker.py, another part of it
    return found + [folder / f"{'_'.join(words[:n])}.py" for n in range(1, len(words))]


@pytest.mark.parametrize("test", mirrored(), ids=str)
def test_a_test_file_stands_beside_its_source(test: Path) -> None:
    assert any(source.exists() for source in sources_of(test)), (
        f"tests/{test} tests no file of {test.parent}: name it after its source, "
        f"put it into one of tests/{{{','.join(sorted(ACROSS))}}}, or list it in WHOLE_PACKAGE"
    )


def test_test_folders_are_not_packages() -> None:
    assert not list(TESTS.rglob("__init__.py"))
