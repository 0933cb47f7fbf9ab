"""Apply filters to clients in Table Storage: the service compares what it can, and this process checks the rest."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
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


def make_filter(wanted: ClientFilter, *, at_service: bool = True) -> EntityFilter:
    """Divide a filter between the service and this process.

    Args:
        at_service: Whether the service compares more than moments.
    """
    conditions: list[str] = []
    checks: dict[str, Check] = {}
    since, until = _in_range(wanted.updated_since), _in_range(wanted.updated_until)
    if since is not None:
        conditions.append(f"updated_at ge datetime'{rfc3339(since)}'")
    if until is not None:
        conditions.append(f"updated_at lt datetime'{rfc3339(_up_to_millisecond(until))}'")
    if any(bound is not None and bound.microsecond % 1000 for bound in (since, until)):
        checks["updated_at"] = _is_between(since, until)
    left = _MAX_COMPARISONS - len(conditions) if at_service else 0
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


def make_left_filter(wanted: ClientFilter) -> EntityFilter:
    """Return the filter of clients that changed in the time that a filter names, and do not pass the rest of it."""
    changed = make_filter(wanted.of_moments())
    rest = make_filter(wanted.model_copy(update={"updated_since": None, "updated_until": None}), at_service=False)
    passes, is_in_time = rest.passes, changed.passes

    def has_left(entity: Entity) -> bool:
        return (is_in_time is None or is_in_time(entity)) and passes is not None and not passes(entity)

    return EntityFilter(changed.conditions, changed.columns | rest.columns, has_left)


def _in_range(moment: datetime | None) -> datetime | None:
    return None if moment is None else max(moment.astimezone(UTC), _EARLIEST)


def _up_to_millisecond(moment: datetime) -> datetime:
    return moment + timedelta(microseconds=-moment.microsecond % 1000)


def _is_between(since: datetime | None, until: datetime | None) -> Check:
    """Compare fractions of a millisecond here. The service gets whole milliseconds: emulators compare no finer."""

    def is_between(entity: Entity) -> bool:
        updated = datetime.fromisoformat(entity["updated_at"])
        return (since is None or updated >= since) and (until is None or updated < until)

    return is_between


def _all_of(checks: Collection[Check]) -> Check | None:
    return (lambda entity: all(check(entity) for check in checks)) if checks else None


def _is_one_of(column: str, values: frozenset[str]) -> Check:
    return lambda entity: entity.get(column) in values


def _has_service(wanted: set[str]) -> Check:
    """Compare whole codes. Spaces around a code do not count."""

    def has(entity: Entity) -> bool:
        listed = entity.get("service_codes")
        codes = (code.strip() for code in ("" if listed is None else str(listed)).split(";"))
        return not wanted.isdisjoint(codes)

    return has


def _contains(wanted: str) -> Check:
    def contains(entity: Entity) -> bool:
        return any(wanted in text.lower() for text in _searched(entity))

    return contains


def _searched(entity: Entity) -> Iterator[str]:
    values = (entity.get(column) for column in SEARCHED_COLUMNS)
    return (str(value) for value in values if value is not None)
