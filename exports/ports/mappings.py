"""Port: the store of saved mappings."""

from __future__ import annotations

from typing import Protocol

from exports.mappings.mapping import SavedMapping
from exports.ports.named_resources import NamedResourceStore


class MappingStore(NamedResourceStore[SavedMapping], Protocol):
    """Stores saved mappings. Raises `MappingNotFoundError` for a mapping that does not exist."""
