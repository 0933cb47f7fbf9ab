"""Apply filters to clients in Table Storage: the service compares what it can, and this process checks the rest."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from exports.adapters.clients_tables.keys import quoted
from exports.request.filters import LISTED_COLUMNS, SEARCHED_COLUMNS, ClientFilter
from shared.models import rfc3339

Entity = Mapping[str, Any]
Check = Callable[[Entity], bool]

_MAX_COMPARISONS = 10
"""A query may have fifteen comparisons in all, and those of keys come first."""

_EARLIEST = datetime(1601, 1, 1, tzinfo=UTC)
"""The earliest moment of Table Storage. The comparison stays, so that clients without a moment are still left out."""


@dataclass(frozen=True)
class EntityFilter:
    """A filter in two halves.

    Attributes:
        conditions: OData conditions for the service; all must hold.
        columns: The columns that `passes` reads.
        passes: Checks an entity that the service returned; None if there is nothing left to check.
    """

    conditions: tuple[str, ...]
    columns: frozenset[str]
    passes: Check | None


def make_filter(wanted: ClientFilter) -> EntityFilter:
    """Divide a filter between the service and this process."""
    conditions: list[str] = []
    checks: dict[str, Check] = {}
    if wanted.updated_since is not None:
        since = max(wanted.updated_since.astimezone(UTC), _EARLIEST)
        coarse = since.replace(microsecond=since.microsecond // 1000 * 1000)
        conditions.append(f"updated_at ge datetime'{rfc3339(coarse)}'")
        if coarse != since:
            checks["updated_at"] = _is_since(since)
    left = _MAX_COMPARISONS - len(conditions)
    for attribute, column in LISTED_COLUMNS.items():
        values = [str(value) for value in getattr(wanted, attribute)]
        if not values:
            continue
        if len(values) <= left and not any("\0" in value for value in values):
            left -= len(values)
            conditions.append("(" + " or ".join(f"{column} eq {quoted(value)}" for value in values) + ")")
        else:
            checks[column] = _is_one_of(column, frozenset(values))
    columns = set(checks)
    if wanted.service_codes:
        checks["service_codes"] = _has_service({code.strip() for code in wanted.service_codes} - {""})
        columns.add("service_codes")
    if wanted.search:
        checks["search"] = _contains(wanted.search.lower())
        columns.update(SEARCHED_COLUMNS)
    return EntityFilter(tuple(conditions), frozenset(columns), _all_of(list(checks.values())))


def _is_since(moment: datetime) -> Check:
    """Compare fractions of a millisecond here. The service gets whole milliseconds: emulators compare no finer."""
    return lambda entity: datetime.fromisoformat(entity["updated_at"]) >= moment


def _all_of(checks: Collection[Check]) -> Check | None:
    return (lambda entity: all(check(entity) for check in checks)) if checks else None


def _is_one_of(column: str, values: frozenset[str]) -> Check:
    return lambda entity: entity.get(column) in values


def _has_service(wanted: set[str]) -> Check:
    """Compare whole codes. Spaces around a code do not count."""

    def has(entity: Entity) -> bool:
        codes = (code.strip() for code in (entity.get("service_codes") or "").split(";"))
        return not wanted.isdisjoint(codes)

    return has


def _contains(wanted: str) -> Check:
    def contains(entity: Entity) -> bool:
        return any(wanted in text.lower() for text in _searched(entity))

    return contains


def _searched(entity: Entity) -> Iterator[str]:
    values = (entity.get(column) for column in SEARCHED_COLUMNS)
    return (str(value) for value in values if value is not None)
