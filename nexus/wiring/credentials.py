"""Keys by backend, from the environment only. A key is never part of a value that is shown."""

from __future__ import annotations

from collections.abc import Mapping

from nexus.backends.table import DIALECTS
from nexus.domain.backend import BackendFace
from nexus.telemetry.logs import get_logger

log = get_logger("nexus.runtime")


class Credentials:
    """See the module.

    Args:
        environ: where the keys are.
    """

    def __init__(self, environ: Mapping[str, str]) -> None:
        self._environ = environ
        self._missed: set[str] = set()

    def key(self, face: BackendFace) -> str | None:
        """The key, or None where the backend needs none or its variable is empty."""
        if face.api_key_env is None:
            return None
        key = self.named(face.api_key_env)
        if not key and face.name not in self._missed:
            self._missed.add(face.name)
            is_set = bool(self._environ.get(face.api_key_env, "").strip())
            log.warning(
                "backend %s: the environment variable %s %s, so it is asked without a key",
                face.name,
                face.api_key_env,
                "holds characters that no header may have" if is_set else "is not set",
            )
        return key or None

    def named(self, variable: str) -> str:
        """The key in a variable; empty where there is none that a header may have."""
        key = self._environ.get(variable, "").strip()
        return key if key.isascii() and key.isprintable() else ""

    def headers(self, face: BackendFace) -> Mapping[str, str]:
        """What opens the backend's door for relayed requests."""
        key = self.key(face)
        return DIALECTS[face.type].auth_headers(key) if key else {}
