"""Stand-ins for modules that a library imports and nobody here has a use for.

While a library is imported it meets them instead of the real ones, which would stay in memory for
good. A stand-in has the names that are asked for at import; for any other it fetches the real
module, so that whoever has kept one gets by.
"""

from __future__ import annotations

import contextlib
import importlib
import sys
from collections.abc import Callable, Generator, Mapping
from types import ModuleType


class StandIn(ModuleType):
    """A module by name: what it has not, the real one has."""

    def __getattr__(self, name: str) -> object:
        if name.startswith("__"):
            raise AttributeError(name)
        _take_away(self)
        return getattr(importlib.import_module(self.__name__), name)


def fetching(module: str, name: str) -> Callable[..., object]:
    """The function of that name, whose module is imported when it is called."""

    def call(*args: object, **options: object) -> object:
        return getattr(importlib.import_module(module), name)(*args, **options)

    return call


@contextlib.contextmanager
def stand_ins(wanted: Mapping[str, Mapping[str, object]]) -> Generator[None]:
    """Put them up for as long as the context is open. Modules that are there already stay.

    Args:
        wanted: the names that each has, by module.
    """
    put: list[StandIn] = []
    for name, has in wanted.items():
        if name in sys.modules:
            continue
        module = sys.modules[name] = StandIn(name)
        vars(module).update(has)
        package, _, last = name.rpartition(".")
        if package in sys.modules:  # `import a.b` does not set it for what is there already
            vars(sys.modules[package])[last] = module
        put.append(module)
    try:
        yield
    finally:
        for module in put:
            _take_away(module)


def _take_away(module: StandIn) -> None:
    name = module.__name__
    if sys.modules.get(name) is module:
        del sys.modules[name]
    package, _, last = name.rpartition(".")
    names = vars(sys.modules[package]) if package in sys.modules else {}
    if names.get(last) is module:
        del names[last]
