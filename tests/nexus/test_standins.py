from __future__ import annotations

import sys
from collections.abc import Generator
from pathlib import Path

import pytest

from nexus.standins import fetching, stand_ins


@pytest.fixture
def package(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Generator[None]:
    """A library of two modules, that nobody has imported yet."""
    folder = tmp_path / "heavy_library"
    folder.mkdir()
    (folder / "__init__.py").write_text("")
    (folder / "part.py").write_text(
        "used = 'real'\nother = 'real too'\ndef called(one, more): return one, more\n"
    )
    (tmp_path / "its_user.py").write_text("from heavy_library.part import used\n")
    monkeypatch.syspath_prepend(tmp_path)
    yield
    for name in ("heavy_library", "heavy_library.part", "its_user"):
        sys.modules.pop(name, None)


@pytest.mark.usefixtures("package")
def test_a_library_that_is_imported_meanwhile_gets_the_stand_in() -> None:
    with stand_ins({"heavy_library.part": {"used": "stand-in"}}):
        import its_user  # type: ignore[import-not-found]

    assert its_user.used == "stand-in"
    assert "heavy_library.part" not in sys.modules


@pytest.mark.usefixtures("package")
def test_afterwards_everybody_gets_the_real_one() -> None:
    import heavy_library  # type: ignore[import-not-found]

    with stand_ins({"heavy_library.part": {"used": "stand-in"}}):
        import heavy_library.part  # type: ignore[import-not-found]

        assert heavy_library.part.used == "stand-in"
    assert not hasattr(heavy_library, "part")

    import heavy_library.part

    assert heavy_library.part.used == "real"


@pytest.mark.usefixtures("package")
def test_whoever_keeps_a_stand_in_finds_the_real_one_behind_it() -> None:
    """Another thread may import the same module at that moment."""
    with stand_ins({"heavy_library.part": {"used": "stand-in"}}):
        import heavy_library.part as kept  # type: ignore[import-not-found]

        assert kept.other == "real too"
        assert sys.modules["heavy_library.part"] is not kept
    assert sys.modules["heavy_library.part"].used == "real"


@pytest.mark.usefixtures("package")
def test_a_module_that_is_there_already_is_left_alone() -> None:
    import heavy_library.part  # type: ignore[import-not-found]

    with stand_ins({"heavy_library.part": {"used": "stand-in"}}):
        assert heavy_library.part.used == "real"
    assert sys.modules["heavy_library.part"] is heavy_library.part


@pytest.mark.usefixtures("package")
def test_a_function_is_fetched_when_it_is_called() -> None:
    late = fetching("heavy_library.part", "called")

    assert "heavy_library.part" not in sys.modules
    assert late(1, more=2) == (1, 2)
