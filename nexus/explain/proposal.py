"""A fleet and a policy that are not in force: without some backends, or as a configuration says.

Pure but for the reading of the configuration's text.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from nexus.domain.backend import Backend, BackendFace, BackendId, BackendStatus, Source
from nexus.domain.fleet import Fleet, picture
from nexus.domain.overrides import Override, overridden
from nexus.domain.policy import Policy
from nexus.domain.text import clean
from nexus.domain.urls import backend_id
from nexus.errors import BadRequest, ConfigError, NotFound

if TYPE_CHECKING:
    from nexus.config.settings import NexusConfig

LONGEST_CONFIG = 1_000_000
"""Characters of a configuration that is proposed."""

_NAMED = (Source.STATIC, Source.MANUAL)
"""Backends that are there because somebody named them."""


@dataclass(frozen=True, slots=True)
class Proposal:
    """What would be in force."""

    fleet: Fleet
    policy: Policy
    dropped: tuple[BackendId, ...] = ()
    notes: tuple[str, ...] = ()
    """What whoever reads the outcome must know, in sentences."""


def proposed(
    fleet: Fleet, policy: Policy, drop: Sequence[str] = (), config: str | None = None
) -> Proposal:
    """The fleet and the policy with the changes asked for.

    Args:
        fleet: the one in force.
        policy: the one in force.
        drop: names or ids of backends.
        config: the text of a configuration file.

    Raises:
        NotFound: a backend to drop is not there.
        BadRequest: the configuration cannot be used; the sentence is its report.
    """
    notes: list[str] = []
    after = fleet
    if config is not None:
        its = configured(config)
        new = its.policy()
        after, notes = _as_configured(fleet, its)
        heard = {name for name in new.traffic.heard if name not in policy.traffic.heard}
        notes += [
            f"Recorded requests do not tell what the header {name.decode('latin-1')} said: "
            "policies that look at it bind none of them here."
            for name in sorted(heard)
        ]
        policy = new
    return Proposal(after, policy, tuple(_named(after, word) for word in drop), tuple(notes))


def configured(text: str, name: str = "the configuration") -> NexusConfig:
    """A configuration from its text.

    Raises:
        BadRequest: it cannot be used.
    """
    from nexus.config.load import load_text  # late: pydantic

    if len(text) > LONGEST_CONFIG:
        raise BadRequest(f"The configuration is longer than {LONGEST_CONFIG} characters")
    try:
        return load_text(text, name).config
    except ConfigError as wrong:
        raise BadRequest(wrong.message, param="config") from None


def _named(fleet: Fleet, word: str) -> BackendId:
    id = BackendId(word) if word in fleet.backends else backend_id(word)
    found = fleet.backends.get(id)
    if found is None:
        found = next((each for each in fleet.backends.values() if each.name == word), None)
    if found is None:
        names = ", ".join(clean(each.name) for each in fleet.backends.values()) or "none"
        raise NotFound(f"No backend is called '{clean(word, 100)}'. Backends: {names}")
    return found.id


def _as_configured(fleet: Fleet, config: NexusConfig) -> tuple[Fleet, list[str]]:
    """The backends as the configuration has them, with the models that are known of them."""
    faces = {face.id: face for face in config.faces()}
    if not faces:
        return fleet, ["The configuration names no backends: the fleet is taken as it is."]
    by_url = {each.face.url: each for each in fleet.backends.values()}
    backends: dict[BackendId, Backend] = {}
    notes: list[str] = []
    for id, face in faces.items():
        known = fleet.backends.get(id) or by_url.get(face.url)
        if known is None:
            notes.append(f"{clean(face.name)} does not run here: nothing is known of its models.")
            continue
        draining = id in config.drained()
        backends[id] = _with_face(known, face, config.overrides(), draining=draining)
    taken = {face.url for face in faces.values()}
    for id, each in fleet.backends.items():
        if id in backends or each.face.url in taken:
            continue
        if each.face.source in _NAMED:
            notes.append(f"{clean(each.name)} is not in the configuration and would leave.")
        else:
            backends[id] = each
    return picture(fleet.version, backends), notes


def _with_face(
    known: Backend, face: BackendFace, overrides: Sequence[Override], *, draining: bool
) -> Backend:
    status = known.status
    if draining:
        status = BackendStatus.DRAINING
    elif status is BackendStatus.DRAINING:
        status = BackendStatus.HEALTHY
    own = [each for each in overrides if each.concerns(face.id)]
    models = tuple(overridden(model, own) for model in known.models)
    return replace(known, face=face, status=status, models=models)
