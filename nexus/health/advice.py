"""What a person can do about a backend, in a few words. Pure."""

from __future__ import annotations

from nexus.domain.backend import BackendFace, BackendStatus


def denied(said: str, face: BackendFace, has_key: bool) -> tuple[str, str]:
    """Reason and next step for a 401 or 403, naming the variable and never the key."""
    if not face.api_key_env:
        return f"authentication failed ({said})", "set api_key_env for this backend"
    if has_key:
        return (
            f"authentication failed ({said}); it does not accept the key in {face.api_key_env}",
            f"check the key in {face.api_key_env}",
        )
    return (
        f"authentication failed ({said}); {face.api_key_env} is not set",
        f"set {face.api_key_env}",
    )


def coming(status: BackendStatus, face: BackendFace, wakes: bool, every_s: float) -> str:
    """What comes next for a backend of this health; empty where nothing has to.

    Args:
        status: by the checks.
        face: the backend's.
        wakes: of a sleeping one: the next request wakes it.
        every_s: seconds between checks now.
    """
    every = "every second" if 0.9 <= every_s <= 1.1 else f"every {every_s:.2g} s"
    match status:
        case BackendStatus.HEALTHY:
            return ""
        case BackendStatus.BUSY:
            return "takes more when a place is free"
        case BackendStatus.SLEEPING:
            return "wakes on the next request" if wakes else f"wake it; checked {every}"
        case BackendStatus.UNKNOWN:
            return "checked soon"
        case _:
            return f"checked again {every}"
