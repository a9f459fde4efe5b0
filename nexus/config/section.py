"""The base of every table in the configuration file."""

from __future__ import annotations

from pydantic import BaseModel, ConfigDict


class Section(BaseModel):
    """A table: frozen, and a key it does not know is a mistake.

    A section's docstring heads its table in the reference.
    """

    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False)
