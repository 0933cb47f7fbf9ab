"""Clients in memory: a source that passes the contract suite of the real ones."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from copy import copy
from dataclasses import replace
from datetime import UTC, datetime
from itertools import chain
from typing import Any

from exports.adapters.clients_sql.sql.checks import absent_columns, require_columns
from exports.adapters.clients_sql.sql.statements import needed_columns
from exports.errors import SourceMismatchError, SourceUnavailableError
from exports.file.ranges import Boundaries, KeyRange
from exports.file.renderer import Records, Renderer, Row, render_lists, render_samples
from exports.ports.clients import (
    MAX_RANKED_CODES,
    ClientPreview,
    ClientSelection,
    ClientSnapshot,
    RemovedCodes,
    SnapshotReading,
)
from exports.request.fields import VIEW_COLUMNS
from exports.request.filter_values import FilterValuesDto, collect_values
from exports.request.filters import SEARCHED_COLUMNS, ClientFilter
from exports.request.preview import ClientCount
from tests.support.hooks import Hook, do_nothing

Client = dict[str, Any]


class MemoryClients:
    """`ClientSource` over a list of dicts; a column a client does not have is null. Key order is that of `code`.

    Attributes:
        clients: May be changed at any time; a read sees what is there when it begins.
        reads: How many reads have begun.
        before_ask: Runs before every answer: raise in it.
        lacking: The columns that the view does not have.
        after_read: Runs after the rows of each read: raise in it, change something, or let another run come first.
        take_time: Runs while a read goes on, with the number of clients that it found.
        rows_per_list: Length of the lists that `read` yields.
        order_of: The sort key of a code. Key ranges still compare the codes themselves, so any function but the
            default plants a bug.
        rankings: How many times codes were ranked.
        counts_in_time: Whether `preview` counts the clients in time; otherwise it finds `least_counted`.
        least_counted: There are as many clients or more; None: not even that is known.
        counts: How many times a preview was to count the clients.
        limits_seconds: How long those may read that were given a limit. The limit itself is not kept.
        value_lookups: How many times the values of filters were looked up.
        deletions: The rows of the view of deleted clients; None: there is no such view.
        data_generation: What identifies the clients. Change it together with all of them.
        refusal: Why there are no snapshots; None: there are.
        reading: How snapshots are read, as estimates learn it.
        snapshots: How many snapshots have been taken.
    """

    def __init__(self, clients: Sequence[Client] = (), rows_per_list: int = 100) -> None:
        self.clients = list(clients)
        self.lacking: frozenset[str] = frozenset()
        self.reads = 0
        self.before_ask: Hook = do_nothing
        self.after_read: Hook = do_nothing
        self.take_time: Callable[[int], object] = lambda _rows: None
        self.rows_per_list = rows_per_list
        self.order_of: Callable[[str], str] = str
        self.rankings = 0
        self.search_seconds = 0.0
        self.counts_in_time = True
        self.least_counted: int | None = 1
        self.counts = 0
        self.limits_seconds: list[float] = []
        self.value_lookups = 0
        self.deletions: list[Client] | None = None
        self.data_generation: str | None = None
        self.refusal: str | None = None
        self.reading = SnapshotReading(readers=2)
        self.snapshots = 0

    def limited(self, seconds: float) -> MemoryClients:
        self.limits_seconds.append(seconds)
        return self

    def missing_columns(self, columns: Sequence[str]) -> tuple[str, ...]:
        self.before_ask()
        return self._missing(columns)

    def find_boundaries(self, selection: ClientSelection, rows_per_page: int) -> Boundaries:
        self.before_ask()
        found = self._select(selection)
        codes = [client["code"] for client in found]
        absent = absent_columns(selection, self.lacking)
        return Boundaries(len(codes), tuple(codes[rows_per_page::rows_per_page]), absent)

    def rank_codes(self, codes: Sequence[str]) -> list[int]:
        self.before_ask()
        assert len(codes) <= MAX_RANKED_CODES
        self.rankings += 1
        ordered = sorted({self.order_of(code) for code in codes})
        return [ordered.index(self.order_of(code)) + 1 for code in codes]

    def generation(self) -> str | None:
        return self.data_generation

    def is_replaced(self, since: str) -> bool:
        return self.data_generation != since

    def sample(
        self, selection: ClientSelection, key_ranges: Iterable[KeyRange], rows_of_each: int
    ) -> Iterator[list[Row]]:
        for key_range in key_ranges:
            yield list(chain.from_iterable(self._read(selection, key_range, rows_of_each)))

    def render_samples(
        self, selection: ClientSelection, starts: Sequence[str], rows_of_each: int, renderer: Renderer
    ) -> Iterator[Records]:
        return render_samples(self.sample(selection, map(KeyRange, starts), rows_of_each), renderer)

    def read(self, selection: ClientSelection, key_range: KeyRange) -> Iterator[list[Row]]:
        return self._read(selection, key_range)

    def _read(
        self, selection: ClientSelection, key_range: KeyRange, limit_rows: int | None = None
    ) -> Iterator[list[Row]]:
        self.before_ask()
        self.reads += 1
        inside = [client for client in self._select(selection) if _is_in(client["code"], key_range)][:limit_rows]
        self.take_time(len(inside))
        shown = [None if name in self.lacking else name for name in selection.columns]
        rows: list[Row] = [tuple(client.get(name) if name else None for name in shown) for client in inside]
        for first in range(0, len(rows), self.rows_per_list):
            yield rows[first : first + self.rows_per_list]
        self.after_read()

    def render(self, selection: ClientSelection, key_range: KeyRange, renderer: Renderer) -> Iterator[Records]:
        return render_lists(self.read(selection, key_range), renderer)

    def preview(self, selection: ClientSelection, rows: int, seconds: float, count_seconds: float) -> ClientPreview:
        first = list(chain.from_iterable(self._read(selection, KeyRange(), rows)))
        if seconds < self.search_seconds:
            return ClientPreview(first[:1], None, is_complete=False)
        self.counts += bool(count_seconds)
        total = len(self._select(selection))
        count = ClientCount(total) if self.counts_in_time else ClientCount(minimum=self.least_counted)
        return ClientPreview(first, count if count_seconds else None)

    def removed_codes(self, selection: ClientSelection, most: int, seconds: float) -> RemovedCodes:
        self.before_ask()
        if seconds <= 0:
            raise SourceUnavailableError("The client database takes too long.")
        wanted, all_clients = selection.filter, replace(selection, filter=selection.filter.of_moments())
        passing = {client["code"] for client in self._select(selection)}
        left = [client["code"] for client in self._select(all_clients) if client["code"] not in passing]
        existing = {client["code"] for client in self.clients if client["tenant"] == selection.tenant}
        deleted = None
        if self.deletions is not None:
            rows = (row for row in self.deletions if row["tenant"] == selection.tenant and row["code"] not in existing)
            moments = ({"updated_at": row["deleted_at"], "code": row["code"]} for row in rows)
            passed = (row for row in moments if row["updated_at"] is None or _passes(row, wanted.of_moments()))
            deleted = tuple(sorted({row["code"] for row in passed})[: most + 1])
        return RemovedCodes(deleted, tuple(left[: most + 1]))

    def require_deletions(self) -> None:
        self.before_ask()

    def filter_values(self, tenant: str, most: int, seconds: float) -> FilterValuesDto:
        self.before_ask()
        self.value_lookups += 1
        shown = ({name: value for name, value in client.items() if name not in self.lacking} for client in self.clients)
        return collect_values((client for client in shown if client.get("tenant") == tenant), most, truncated=False)

    def snapshot_refusal(self) -> str | None:
        return self.refusal

    def snapshot_reading(self) -> SnapshotReading:
        self.before_ask()
        return self.reading

    @contextmanager
    def open_snapshot(self) -> Iterator[ClientSnapshot]:
        """Copy the clients. Hooks run in the snapshot too."""
        self.before_ask()
        self.snapshots += 1
        frozen = copy(self)
        frozen.clients = [dict(client) for client in self.clients]
        yield ClientSnapshot(frozen, datetime(2026, 1, 1, tzinfo=UTC), f"state {self.snapshots}", 2)

    def _missing(self, columns: Sequence[str]) -> tuple[str, ...]:
        return tuple(name for name in columns if name in self.lacking or name not in VIEW_COLUMNS)

    def _select(self, selection: ClientSelection) -> list[Client]:
        needed = needed_columns(selection)
        require_columns(selection, [name for name in self.lacking if name in needed])
        of_tenant = [client for client in self.clients if client["tenant"] == selection.tenant]
        if any(client["code"] is None for client in of_tenant):
            raise SourceMismatchError("A client has no code; every row of the view clients needs one.")
        wanted = (client for client in of_tenant if _passes(client, selection.filter))
        return sorted(wanted, key=lambda client: self.order_of(str(client["code"])))


def _is_in(code: str, key_range: KeyRange) -> bool:
    after_start = key_range.start is None or code >= key_range.start
    return after_start and (key_range.stop is None or code < key_range.stop)


def _passes(client: Client, wanted: ClientFilter) -> bool:
    lists: dict[str, Sequence[str]] = {
        "manager_code": wanted.manager_codes,
        "partner_code": wanted.partner_codes,
        "associate_code": wanted.associate_codes,
        "team_code": wanted.team_codes,
        "status": wanted.statuses,
        "type": wanted.types,
    }
    services = {code.strip() for code in (client.get("service_codes") or "").split(";")}
    updated = client.get("updated_at")
    if isinstance(updated, str):
        updated = datetime.fromisoformat(updated)
    return (
        all(not values or client.get(name) in values for name, values in lists.items())
        and (not wanted.service_codes or not services.isdisjoint(code.strip() for code in wanted.service_codes))
        and (not wanted.search or any(_contains(client.get(name), wanted.search) for name in SEARCHED_COLUMNS))
        and (wanted.updated_since is None or (updated is not None and updated >= wanted.updated_since))
        and (wanted.updated_until is None or (updated is not None and updated < wanted.updated_until))
    )


def _contains(value: object, text: str) -> bool:
    return value is not None and text.lower() in str(value).lower()
