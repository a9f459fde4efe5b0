"""Settings: where they come from, what they may be, and how to say that one is wrong.

Start at `nexus.config.load`. Importing this package alone is free; pydantic comes with
`load`.
"""

from __future__ import annotations

import sys
from types import ModuleType


def _without_plugins() -> None:
    """Let pydantic look for no plugins.

    Looking brings the whole of importlib.metadata and email, 1.2 MB, and reads what is installed.
    Where pydantic keeps this elsewhere one day, it looks again, and nothing else changes.
    """
    loader = ModuleType("pydantic.plugin._loader")
    vars(loader)["get_plugins"] = tuple
    sys.modules.setdefault(loader.__name__, loader)


_without_plugins()
