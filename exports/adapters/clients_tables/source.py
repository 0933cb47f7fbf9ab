"""Read clients from Azure Table Storage: one entity for each client, one property for each column of the view."""

from __future__ import annotations

import time
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, contextmanager
from copy import copy
from functools import cached_property
from math import inf
from typing import Any
from urllib.parse import parse_qs, unquote, urlsplit

from azure.core.exceptions import AzureError, ClientAuthenticationError, HttpResponseError, ResourceNotFoundError
from azure.data.tables import TableClient

from exports.adapters.clients_tables.boundaries import ResponseSummary, Scanner, find_boundaries
from exports.adapters.clients_tables.filters import EntityFilter, make_filter, make_left_filter
from exports.adapters.clients_tables.keys import TenantKeys, escape
from exports.errors import SourceMismatchError, SourceRefusedError, SourceThrottledError, SourceUnavailableError
from exports.file.ranges import Boundaries, KeyRange
from exports.file.renderer import Records, Renderer, Row, render_lists, render_samples
from exports.ports.clients import ClientPreview, ClientSelection, ClientSnapshot, RemovedCodes, SnapshotReading
from exports.request.fields import KEY_COLUMNS, VIEW_COLUMNS
from exports.request.filter_values import VALUE_COLUMNS, FilterValuesDto, collect_values
from exports.request.preview import ClientCount
from shared.storage import StorageAccount, is_throttling, is_transient, retry_after_seconds

ROWS_PER_LIST = 1_000
"""The most entities that a response of the service holds."""

DEFAULT_PREFIX = 5
_KEYS = ("PartitionKey", "RowKey")
_PLAIN = {"Accept": "application/json;odata=nometadata"}
"""Without metadata, moments and long numbers arrive as text, as a cell shows them, and responses are shorter."""

Entity = dict[str, Any]


class TableClientSource:
    """Reads clients from one table and never writes to it. Safe to use from several threads.

    Key order is the order of row keys. The program that fills the table must write the keys as `clients_tables.keys`
    does; a client with other keys is a `SourceMismatchError`.
    """

    def __init__(self, url: str, storage: str) -> None:
        self._url = url
        self._storage = storage
        self._end = inf

    def limited(self, seconds: float) -> TableClientSource:
        """Look at the clock before each response is requested. Both sources share their connections."""
        with _source_errors():
            _ = self._table
        found = copy(self)
        found._end = time.monotonic() + seconds
        return found

    def missing_columns(self, columns: Sequence[str]) -> tuple[str, ...]:
        """Name those of `columns` that the view does not define. Columns that an entity does not have are empty."""
        with _source_errors():
            first = self._table.query_entities("", select=list(_KEYS), results_per_page=1, headers=_PLAIN)
            next(first.by_page(), None)
        return tuple(name for name in columns if name not in VIEW_COLUMNS)

    def find_boundaries(self, selection: ClientSelection, rows_per_page: int) -> Boundaries:
        """Pass once over the keys, in parallel if there are many; see `clients_tables.boundaries`."""
        return find_boundaries(_TenantScan(self, selection), rows_per_page)

    def rank_codes(self, codes: Sequence[str]) -> list[int]:
        """Rank codes by their row keys. Table Storage orders keys by their characters, and ours are plain ASCII."""
        row_keys = [escape(code) for code in codes]
        ranks = {row_key: rank for rank, row_key in enumerate(sorted(set(row_keys)), 1)}
        return [ranks[row_key] for row_key in row_keys]

    def generation(self) -> str | None:
        """Return None: nobody replaces a table in one act."""
        return None

    def is_replaced(self, since: str) -> bool:
        """Return False: nobody replaces a table in one act."""
        return False

    def snapshot_refusal(self) -> str:
        """Refuse every snapshot: Table Storage reads each page of entities as they are at that time."""
        return (
            "The clients are in Azure Table Storage, which cannot show all of them as they were at one moment. Leave "
            "consistency out."
        )

    def snapshot_reading(self) -> SnapshotReading:
        """Refuse, as `snapshot_refusal` says."""
        raise SourceRefusedError(self.snapshot_refusal())

    def open_snapshot(self) -> AbstractContextManager[ClientSnapshot]:
        """Refuse, as `snapshot_refusal` says."""
        raise SourceRefusedError(self.snapshot_refusal())

    def sample(
        self, selection: ClientSelection, key_ranges: Iterable[KeyRange], rows_of_each: int
    ) -> Iterator[list[Row]]:
        """Read the first clients of each range by requests of its own."""
        for key_range in key_ranges:
            yield [row for rows in self._read(selection, key_range, rows_of_each) for row in rows]

    def render_samples(
        self, selection: ClientSelection, starts: Sequence[str], rows_of_each: int, renderer: Renderer
    ) -> Iterator[Records]:
        """Sample, then render."""
        return render_samples(self.sample(selection, map(KeyRange, starts), rows_of_each), renderer)

    def read(self, selection: ClientSelection, key_range: KeyRange) -> Iterator[list[Row]]:
        """Yield the clients of a key range in lists of at most `ROWS_PER_LIST`, by one request after the other."""
        return self._read(selection, key_range)

    def _read(
        self, selection: ClientSelection, key_range: KeyRange, limit_rows: int | None = None
    ) -> Iterator[list[Row]]:
        keys = self.keys_of(selection.tenant)
        left = limit_rows
        for entities in self.entities(selection, selection.columns, keys.conditions(key_range), limit_rows):
            rows: list[Row] = [tuple(map(entity.get, selection.columns)) for entity in entities[:left]]
            if rows:
                yield rows
            if left is not None:
                left -= len(rows)
                if left <= 0:
                    return

    def render(self, selection: ClientSelection, key_range: KeyRange, renderer: Renderer) -> Iterator[Records]:
        """Read, then render."""
        return render_lists(self.read(selection, key_range), renderer)

    def entities(
        self,
        selection: ClientSelection,
        columns: Iterable[str],
        conditions: Sequence[str],
        at_most: int | None = None,
        wanted: EntityFilter | None = None,
    ) -> Iterator[list[Entity]]:
        """Yield the selected clients that meet the first condition, then those that meet the second, and so on.

        Each list is one response of the service, and may be empty.

        Args:
            conditions: Conditions on the keys. The filter of the selection is added to each.
            at_most: The number of clients needed, so that a request asks for no more.
            wanted: The filter; None: that of the selection.
        """
        wanted = wanted or make_filter(selection.filter)
        keys = self.keys_of(selection.tenant)
        names = {*columns, *wanted.columns}.difference(KEY_COLUMNS)
        size = ROWS_PER_LIST if at_most is None or wanted.passes else max(1, min(at_most, ROWS_PER_LIST))
        for condition in conditions:
            query = " and ".join((condition, *wanted.conditions))
            for response in self._query(query, [*_KEYS, *sorted(names)], size):
                yield _filtered([_with_key_columns(entity, keys) for entity in response], wanted)

    def preview(self, selection: ClientSelection, rows: int, seconds: float, count_seconds: float) -> ClientPreview:
        """Read, then count by passing over the keys, both as long as there is time."""
        end, is_late, first = time.monotonic() + seconds, False, list[Row]()
        conditions = self.keys_of(selection.tenant).conditions(KeyRange())
        for entities in self.entities(selection, selection.columns, conditions, rows):
            first += (tuple(map(entity.get, selection.columns)) for entity in entities)
            if len(first) >= rows:
                first = first[:rows]
                break
            if is_late:
                return ClientPreview(first, None, is_complete=False)
            is_late = time.monotonic() > end
        if len(first) < rows:
            return ClientPreview(first, ClientCount(len(first)))
        return ClientPreview(first, self._count(selection, count_seconds, len(first)) if count_seconds else None)

    def _count(self, selection: ClientSelection, seconds: float, known: int) -> ClientCount:
        end, total = time.monotonic() + seconds, 0
        for entities in self.entities(selection, (), self.keys_of(selection.tenant).conditions(KeyRange())):
            total += len(entities)
            if time.monotonic() > end:
                return ClientCount(minimum=max(total, known))
        return ClientCount(total)

    def removed_codes(self, selection: ClientSelection, most: int, seconds: float) -> RemovedCodes:
        """Read the changed clients that do not pass the filter. A table knows nothing of entities that were deleted."""
        end, left = time.monotonic() + seconds, list[str]()
        if not selection.filter.is_of_moments:
            conditions = self.keys_of(selection.tenant).conditions(KeyRange())
            for entities in self.entities(selection, (), conditions, wanted=make_left_filter(selection.filter)):
                left += (str(entity["code"]) for entity in entities)
                if len(left) > most:
                    break
                if time.monotonic() > end:
                    raise SourceUnavailableError("The table takes too long to find the clients that left the filter.")
        return RemovedCodes(None, tuple(left[: most + 1]))

    def require_deletions(self) -> None:
        """Do nothing: the settings refuse a view of deleted clients for Table Storage."""

    def filter_values(self, tenant: str, most: int, seconds: float) -> FilterValuesDto:
        """Collect the values of the first thousand clients: Table Storage can only find values by reading all."""
        selection, conditions = ClientSelection(tenant, ()), self.keys_of(tenant).conditions(KeyRange())
        found: list[Entity] = []
        for entities in self.entities(selection, VALUE_COLUMNS, conditions, ROWS_PER_LIST + 1):
            found += entities
            if len(found) > ROWS_PER_LIST:
                break
        return collect_values(found[:ROWS_PER_LIST], most, truncated=len(found) > ROWS_PER_LIST)

    def keys_of(self, tenant: str) -> TenantKeys:
        """Return the keys of a tenant's clients."""
        return TenantKeys(tenant, self._address[2])

    def close(self) -> None:
        """Close idle connections."""
        if "_table" in self.__dict__:
            self._table.close()

    def _query(self, query: str, select: list[str], size: int) -> Iterator[list[Mapping[str, Any]]]:
        with _source_errors():
            found = self._table.query_entities(query, select=select, results_per_page=size, headers=_PLAIN)
            for response in found.by_page():
                yield list(response)
                if time.monotonic() >= self._end:
                    raise SourceUnavailableError("The table of clients takes too long.")

    @cached_property
    def _address(self) -> tuple[StorageAccount, str, int]:
        return read_address(self._url, self._storage)

    @cached_property
    def _table(self) -> TableClient:
        account, name, _ = self._address
        return account.tables.get_table_client(name)


class _TenantScan(Scanner):
    """Scans the keys of one selection."""

    def __init__(self, source: TableClientSource, selection: ClientSelection) -> None:
        self.keys = source.keys_of(selection.tenant)
        self._source = source
        self._selection = selection

    def scan(self, start: str, stop: str) -> Iterator[ResponseSummary]:
        """See `Scanner.scan`."""
        for entities in self._source.entities(self._selection, (), [self.keys.between(start, stop)]):
            yield ResponseSummary(entities[0]["code"] if entities else None, len(entities))

    def codes_at(self, start: str, positions: Sequence[int]) -> list[str]:
        """See `Scanner.codes_at`."""
        conditions = self.keys.conditions(KeyRange(start))
        found: list[str] = []
        skipped = 0
        for entities in self._source.entities(self._selection, (), conditions, positions[-1] + 1):
            here = (position - skipped for position in positions[len(found) :])
            found += [str(entities[position]["code"]) for position in here if position < len(entities)]
            skipped += len(entities)
            if len(found) == len(positions):
                break
        return found

    def first_partition(self, start: str) -> str | None:
        """See `Scanner.first_partition`. The filter of the selection does not apply here."""
        all_clients = ClientSelection(self._selection.tenant, ())
        for entities in self._source.entities(all_clients, (), [self.keys.between(start, self.keys.end)], 1):
            if entities:
                return str(entities[0]["PartitionKey"])
        return None


def read_address(url: str, storage: str) -> tuple[StorageAccount, str, int]:
    """Parse the address of clients in Table Storage into the account, the table, and the number of prefix characters.

    `azure-tables:///clients` is a table of the service's own account. `azure-tables://other/clients` is a table of
    another account, reached by identity, and `azure-tables://:KEY@other/clients` one reached by its percent-encoded
    key. `?prefix=N` says how many characters of a row key the partition key repeats.

    Raises:
        SourceRefusedError: The address is malformed.
    """
    parts = urlsplit(url)
    table = parts.path.strip("/")
    prefix = parse_qs(parts.query).get("prefix", [str(DEFAULT_PREFIX)])[-1]
    if not table.isalnum() or not prefix.isdecimal():
        raise SourceRefusedError("The address of the table of clients is malformed; docs/client-view.md shows how.")
    account = parts.netloc.rpartition("@")[2] or storage
    if parts.password:
        account = f"AccountName={account};AccountKey={unquote(parts.password)};EndpointSuffix=core.windows.net"
    return StorageAccount(account), table, int(prefix)


def _with_key_columns(entity: Mapping[str, Any], keys: TenantKeys) -> Entity:
    """Return the entity with the columns `tenant` and `code`, which its keys hold."""
    code = keys.code(entity["PartitionKey"], entity["RowKey"])
    return {**entity, "tenant": keys.tenant, "code": code}


def _filtered(entities: list[Entity], wanted: EntityFilter) -> list[Entity]:
    return entities if wanted.passes is None else [entity for entity in entities if wanted.passes(entity)]


@contextmanager
def _source_errors() -> Iterator[None]:
    """Raise the matching error of a client source in place of an error of Table Storage; the original is chained."""
    try:
        yield
    except ResourceNotFoundError as error:
        raise SourceMismatchError("Table Storage has no such table of clients; see docs/client-view.md.") from error
    except (AzureError, ValueError) as error:
        if is_throttling(error):
            message = "The client database has no room now: too many requests at once."
            raise SourceThrottledError(message, retry_after_seconds(error)) from error
        if is_transient(error):
            raise SourceUnavailableError("The client database did not answer.") from error
        if isinstance(error, ClientAuthenticationError) or getattr(error, "status_code", None) in {401, 403}:
            raise SourceRefusedError("Table Storage refused the login, or it may not read the clients.") from error
        if isinstance(error, HttpResponseError):
            raise SourceRefusedError("Table Storage refused the query.") from error
        raise SourceRefusedError("The address of the table of clients is malformed.") from error
