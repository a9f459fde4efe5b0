from collections.abc import Callable, Mapping
from pathlib import Path

import pytest

from nexus.config.load import Loaded, load
from nexus.errors import ConfigError

NOTHING: Mapping[str, str] = {}


@pytest.fixture
def loaded(tmp_path: Path) -> Callable[..., Loaded]:
    """Load a file with the given text, under the given environment and flags."""

    def run(
        text: str,
        environ: Mapping[str, str] = NOTHING,
        flags: Mapping[str, object] = NOTHING,
    ) -> Loaded:
        path = tmp_path / "nexus.toml"
        path.write_text(text, encoding="utf-8")
        return load(path, environ, flags, explicit=True)

    return run


@pytest.fixture
def report(loaded: Callable[..., Loaded], tmp_path: Path) -> Callable[..., str]:
    """The report about a file that is wrong, without the directory's name."""

    def run(text: str, environ: Mapping[str, str] = NOTHING, **flags: object) -> str:
        with pytest.raises(ConfigError) as caught:
            loaded(text, environ, {key.replace("__", "."): value for key, value in flags.items()})
        return caught.value.message.replace(f"{tmp_path}/", "")

    return run
