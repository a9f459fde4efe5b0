"""How values that every request makes are declared: immutable, and cheap to construct."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import MISSING, dataclass, field, fields
from typing import TypeVar, cast, dataclass_transform

import msgspec

T = TypeVar("T")

_Made = Callable[..., type[object]]
_make = cast("_Made", type(msgspec.Struct))


@dataclass_transform(frozen_default=True, field_specifiers=(field,))
def value(cls: type[T]) -> type[T]:
    """A frozen dataclass whose constructor is written in C.

    By all outward signs it is one: it is replaced, matched, compared and hashed by its fields. But
    a dataclass sets each field in Python, and a tenth of a relayed request was constructors. And
    the garbage collector need not look at it, so it must not hold what may come to hold it.
    """
    known = fields(cast("type", dataclass(cls)))
    namespace = {
        name: each
        for name, each in vars(cls).items()
        if name in ("__annotations__", "__doc__", "__module__", "__qualname__")
        or not (name.startswith("__") and name.endswith("__"))
    }
    namespace |= {each.name: each.default for each in known if each.default is not MISSING}
    namespace["__dataclass_fields__"] = {each.name: each for each in known}
    made = _make(cls.__name__, (msgspec.Struct,), namespace, frozen=True, gc=False)
    return cast("type[T]", made)
