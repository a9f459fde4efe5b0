"""The gateway of this process: `nexus.control.Control` has the same methods as `FleetSource`."""

from __future__ import annotations

from nexus.control import Control
from nexus.domain.gateway import FleetSource


def local(control: Control) -> FleetSource:
    """`control` as a source. A type check more than a function: both speak the same words."""
    return control
