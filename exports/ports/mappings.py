"""Port: the store of saved mappings."""

from __future__ import annotations

from typing import Protocol

from exports.mappings.mapping import SavedMapping
from exports.ports.named_resources import NamedResourceStore


class MappingStore(NamedResourceStore[SavedMapping], Protocol):
    """Keeps saved mappings; one that is not there is a `MappingNotFoundError`."""
