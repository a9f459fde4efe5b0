"""A backend as its entry in the configuration file, and as changes tell of it. Pure."""

from __future__ import annotations

from nexus.config.edit import Value
from nexus.domain.audit import Facts
from nexus.domain.backend import BackendFace, untold
from nexus.domain.urls import without_userinfo


def words_of(face: BackendFace) -> Facts:
    """What people decide about a backend, without what stands before its host."""
    return {
        "url": without_userinfo(face.url),
        "type": face.type.value,
        "zone": face.zone.value,
        "priority": face.priority,
        "tier": face.tier,
        "max_concurrent": face.max_concurrent,
        "api_key_env": face.api_key_env,
    }


def entry_of(face: BackendFace) -> dict[str, Value | None]:
    """A `[[backends]]` entry; defaults are left out so that they stay defaults."""
    usual = untold(face)
    optional: dict[str, Value | None] = {
        "zone": face.zone.value if face.zone_told or face.zone is not usual.zone else None,
        "priority": face.priority if face.priority != usual.priority else None,
        "tier": face.tier if face.tier != usual.tier else None,
        "max_concurrent": face.max_concurrent,
        "api_key_env": face.api_key_env,
    }
    return {"url": face.url, "type": face.type.value, **optional}
