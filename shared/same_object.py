"""Keys for caches of what is made from large immutable objects."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Generic, TypeVar

T = TypeVar("T")


@dataclass(frozen=True, slots=True, eq=False)
class SameObject(Generic[T]):
    """Stands for an object and not for its content, which would take long to hash and to compare.

    A cache that holds it also keeps the object, so no other object gets its id.
    """

    value: T

    def __hash__(self) -> int:
        return id(self.value)

    def __eq__(self, other: object) -> bool:
        return isinstance(other, SameObject) and self.value is other.value
