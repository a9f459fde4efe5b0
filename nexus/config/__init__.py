"""Settings: where they come from, what they may be, and how to say that one is wrong.

Start at `nexus.config.load`. Importing this package alone is free; pydantic comes with
`load`.
"""

from __future__ import annotations

import os
import sys
from types import ModuleType
from typing import TYPE_CHECKING, cast

from nexus.standins import StandIn

if TYPE_CHECKING:
    from collections.abc import Callable

TIME_ZONES = "/usr/share/zoneinfo:/usr/lib/zoneinfo:/usr/share/lib/zoneinfo:/etc/zoneinfo"
"""Where Python looks for them unless it was built otherwise."""


def _without_plugins() -> None:
    """Let pydantic look for no plugins.

    Looking brings the whole of importlib.metadata and email, 1.2 MB, and reads what is installed.
    Where pydantic keeps this elsewhere one day, it looks again, and nothing else changes.
    """
    loader = ModuleType("pydantic.plugin._loader")
    vars(loader)["get_plugins"] = tuple
    sys.modules.setdefault(loader.__name__, loader)


def _without_build_facts() -> None:
    """Let zoneinfo, which pydantic brings and nobody here uses, not read how Python was built.

    Only to learn where time zones are: 0.2 MB, and a thousand names more to keep.
    """
    stand_in = StandIn("sysconfig")

    def get_config_var(name: str) -> object:
        if name == "TZPATH":
            return TIME_ZONES
        real = cast("Callable[[str], list[object]]", stand_in.get_config_vars)
        return real(name)[0]

    vars(stand_in)["get_config_var"] = get_config_var
    if os.name == "posix":
        sys.modules.setdefault(stand_in.__name__, stand_in)


_without_plugins()
_without_build_facts()
