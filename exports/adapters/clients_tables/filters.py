"""Filters of clients in Table Storage: what the service can compare it compares, the rest is looked at here."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from exports.adapters.clients_tables.keys import quoted
from exports.request.filters import LISTED_COLUMNS, SEARCHED_COLUMNS, ClientFilter
from shared.models import rfc3339

Entity = Mapping[str, Any]
Passes = Callable[[Entity], bool]

_COMPARISONS = 10
"""A filter may have fifteen; those of keys come first."""

_EARLIEST = datetime(1601, 1, 1, tzinfo=UTC)
"""Table Storage knows no moment before; a client that has none at all is still left out."""


@dataclass(frozen=True)
class EntityFilter:
    """A filter in two halves.

    Attributes:
        conditions: For the service; all must hold.
        columns: What `passes` looks at.
        passes: Judges an entity that the service let through.
    """

    conditions: tuple[str, ...]
    columns: frozenset[str]
    passes: Passes | None


def make_filter(wanted: ClientFilter) -> EntityFilter:
    """Divide a filter between the service and this process."""
    conditions: list[str] = []
    looks: dict[str, Passes] = {}
    if wanted.updated_since is not None:
        since = max(wanted.updated_since.astimezone(UTC), _EARLIEST)
        coarse = since.replace(microsecond=since.microsecond // 1000 * 1000)
        conditions.append(f"updated_at ge datetime'{rfc3339(coarse)}'")
        if coarse != since:
            looks["updated_at"] = _is_since(since)
    left = _COMPARISONS - len(conditions)
    for attribute, column in LISTED_COLUMNS.items():
        values = [str(value) for value in getattr(wanted, attribute)]
        if not values:
            continue
        if len(values) <= left and not any("\0" in value for value in values):
            left -= len(values)
            conditions.append("(" + " or ".join(f"{column} eq {quoted(value)}" for value in values) + ")")
        else:
            looks[column] = _is_one_of(column, frozenset(values))
    columns = set(looks)
    if wanted.service_codes:
        looks["service_codes"] = _has_service({code.strip() for code in wanted.service_codes} - {""})
        columns.add("service_codes")
    if wanted.search:
        looks["search"] = _contains(wanted.search.lower())
        columns.update(SEARCHED_COLUMNS)
    return EntityFilter(tuple(conditions), frozenset(columns), _all_of(list(looks.values())))


def _is_since(moment: datetime) -> Passes:
    """The service gets whole milliseconds: emulators compare no closer."""
    return lambda entity: datetime.fromisoformat(entity["updated_at"]) >= moment


def _all_of(looks: Collection[Passes]) -> Passes | None:
    return (lambda entity: all(look(entity) for look in looks)) if looks else None


def _is_one_of(column: str, values: frozenset[str]) -> Passes:
    return lambda entity: entity.get(column) in values


def _has_service(wanted: set[str]) -> Passes:
    """Whole codes only; spaces around a code do not count."""

    def has(entity: Entity) -> bool:
        codes = (code.strip() for code in (entity.get("service_codes") or "").split(";"))
        return not wanted.isdisjoint(codes)

    return has


def _contains(wanted: str) -> Passes:
    def contains(entity: Entity) -> bool:
        return any(wanted in text.lower() for text in _searched(entity))

    return contains


def _searched(entity: Entity) -> Iterator[str]:
    values = (entity.get(column) for column in SEARCHED_COLUMNS)
    return (str(value) for value in values if value is not None)
