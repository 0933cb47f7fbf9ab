"""Promises of every client source."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import AbstractContextManager, closing
from datetime import UTC, datetime, timedelta, timezone
from itertools import pairwise
from typing import Any

import pytest

from exports.adapters.clients_sql.dialects import postgresql_plans
from exports.errors import SourceUnavailableError
from exports.file.ranges import KeyRange
from exports.ports.clients import MAX_RANKED_CODES, ClientSelection, ClientSource
from exports.request.fields import VIEW_COLUMNS
from exports.request.filters import SEARCHED_COLUMNS, ClientFilter
from tests.contract.client_stores import STORES, TENANT, ClientStore, client, open_store
from tests.support.each_case import assert_each

MAX_ROWS_PER_LIST = 2_000
CROWD = 3_000
HOSTILE_TEXTS = (
    "' OR '1'='1",
    "'; DROP TABLE client_records; --",
    '" OR ""="',
    "%",
    "_",
    "[A-Z]",
    "\\",
    "~%",
    ":tenant",
    "%(tenant)s",
    "?",
    "$1",
    "{0}",
    "a;b",
    "NULL",
    "é\u202e🙂",
    "line\nbreak\ttab",
)


def _opened(request: pytest.FixtureRequest, factory: pytest.TempPathFactory) -> AbstractContextManager[ClientStore]:
    return open_store(request.param, request.getfixturevalue, factory.mktemp("clients"))


@pytest.fixture(scope="module", params=STORES)
def shared_store(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[tuple[str, ClientStore]]:
    """A store for all tests of this file, and its name."""
    with _opened(request, tmp_path_factory) as opened:
        yield request.param, opened


@pytest.fixture
def store(shared_store: tuple[str, ClientStore], monkeypatch: pytest.MonkeyPatch) -> ClientStore:
    """An empty store."""
    name, opened = shared_store
    _prepare(name, monkeypatch)
    opened.clear()
    return opened


@pytest.fixture(scope="module", params=STORES)
def shared_crowd(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[tuple[str, ClientStore]]:
    with _opened(request, tmp_path_factory) as opened:
        opened.put(*numbered(CROWD))
        yield request.param, opened


@pytest.fixture
def crowded(shared_crowd: tuple[str, ClientStore], monkeypatch: pytest.MonkeyPatch) -> ClientStore:
    """A store of more clients than one list holds, which tests only read."""
    name, opened = shared_crowd
    _prepare(name, monkeypatch)
    return opened


@pytest.fixture(params=[name for name in STORES if name != "sqlite_store"])
def unreachable_source(request: pytest.FixtureRequest) -> ClientSource:
    store: ClientStore = request.getfixturevalue(request.param)
    return store.unreachable_source


def _prepare(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    if name == "skip_scan_postgres_store":
        monkeypatch.setattr(postgresql_plans, "MIN_SKIP_SCAN_ROWS", 0)


def select(wanted: ClientFilter | None = None, tenant: str = TENANT, **filters: Any) -> ClientSelection:
    return ClientSelection(tenant, ("code", "name"), wanted or ClientFilter(**filters))


def codes(source: ClientSource, selection: ClientSelection, key_range: KeyRange | None = None) -> list[str]:
    return [row[0] for rows in source.read(selection, key_range or KeyRange()) for row in rows]


def ranges(starts: Sequence[str]) -> list[KeyRange]:
    return [KeyRange(start, stop) for start, stop in pairwise([None, *starts, None])]


def numbered(count: int, **columns: Any) -> list[Any]:
    return [client(f"C{number:05d}", **columns) for number in range(count)]


@pytest.mark.parametrize("rows_per_page", [1, 10])
def test_ranges_tile_the_clients_in_pages_of_the_requested_size(store: ClientStore, rows_per_page: int) -> None:
    clients = numbered(25)

    def check(counts: tuple[int, int]) -> None:
        before, count = counts
        if added := clients[before:count]:
            store.put(*added)
        found = store.source.find_boundaries(select(), rows_per_page)
        pages = [codes(store.source, select(), key_range) for key_range in ranges(found.starts)]
        assert found.total_rows == count
        assert [code for page in pages for code in page] == [client["code"] for client in clients[:count]]
        assert all(len(page) == rows_per_page for page in pages[:-1])
        assert len(pages) == max(1, -(-count // rows_per_page))

    assert_each({f"{counts[1]} clients": counts for counts in pairwise([0, 0, 1, 9, 10, 11, 20, 25])}, check)


def test_pages_follow_the_order_of_the_source_for_all_kinds_of_codes(store: ClientStore) -> None:
    odd = ["a", "B", "b", "A", "10", "9", "é", "E", "Z z", "z-z", "zz", "_", "", " ", "🙂", "ﬁ", "o'c", '"', "%", "-5"]
    store.put(*map(client, odd))

    found = store.source.find_boundaries(select(), 3)

    pages = [codes(store.source, select(), key_range) for key_range in ranges(found.starts)]
    assert [code for page in pages for code in page] == codes(store.source, select())
    assert sorted(code for page in pages for code in page) == sorted(odd)


def test_codes_are_ranked_in_the_order_in_which_clients_are_read(store: ClientStore) -> None:
    odd = ["a", "B", "b", "A", "10", "9", "é", "E", "Z z", "z-z", "zz", "_", "", " ", "🙂", "ﬁ", "o'c", '"', "%", "-5"]
    store.put(*map(client, odd))
    in_order = codes(store.source, select())
    shuffled = sorted(in_order, key=lambda code: (len(code), code))

    assert store.source.rank_codes(in_order) == [*range(1, len(odd) + 1)]
    assert [in_order[rank - 1] for rank in store.source.rank_codes(shuffled)] == shuffled


def test_equal_codes_have_the_same_rank_and_codes_of_nobody_have_ranks_too(store: ClientStore) -> None:
    store.put(client("C2"))
    assert store.source.rank_codes(["C1", "C2", "C2", "C4", "C3", "C1"]) == [1, 2, 2, 4, 3, 1]
    many = [f"C{number:04d}" for number in range(MAX_RANKED_CODES)]
    assert store.source.rank_codes(many) == [*range(1, MAX_RANKED_CODES + 1)]


def test_a_client_that_exists_throughout_occurs_exactly_once(store: ClientStore) -> None:
    store.put(*numbered(100))
    found = store.source.find_boundaries(select(), 10)
    seen: list[str] = []

    for page, key_range in enumerate(ranges(found.starts)):
        store.put(client(f"C{page * 10:05d}-new"), client(f"C{95 - page * 10:05d}-new"))
        store.remove(TENANT, f"C{page * 10 + 3:05d}")
        store.remove(TENANT, found.starts[-1 - page] if page < len(found.starts) else "")
        seen += codes(store.source, select(), key_range)

    gone = {f"C{page * 10 + 3:05d}" for page in range(10)} | set(found.starts)
    staying = [client["code"] for client in numbered(100) if client["code"] not in gone]
    assert len(seen) == len(set(seen))
    assert set(staying) <= set(seen)


def test_a_range_is_half_open(store: ClientStore) -> None:
    store.put(*numbered(5))

    assert codes(store.source, select(), KeyRange("C00001", "C00003")) == ["C00001", "C00002"]


def test_columns_are_in_the_requested_order(store: ClientStore) -> None:
    store.put(client("C1", name="One", email="one@example.com", service_codes="VAT"))
    selection = ClientSelection(TENANT, ("email", "service_codes", "code", "name", "website"))

    rows = [tuple(row) for rows in store.source.read(selection, KeyRange()) for row in rows]

    assert rows == [("one@example.com", "VAT", "C1", "One", None)]


def test_samples_are_the_first_clients_of_each_range(store: ClientStore) -> None:
    store.put(*numbered(6))
    key_ranges = [KeyRange("C00003"), KeyRange(), KeyRange("C00004", "C00005"), KeyRange("D"), KeyRange("C00001")]

    samples = [[row[0] for row in rows] for rows in store.source.sample(select(), key_ranges, 2)]

    assert samples == [["C00003", "C00004"], ["C00000", "C00001"], ["C00004"], [], ["C00001", "C00002"]]


def test_ranges_are_sampled_one_by_one(store: ClientStore) -> None:
    """So that the caller can time each sample."""
    store.put(*numbered(3))
    requested = iter([KeyRange(), KeyRange("C00001"), KeyRange("C00002")])

    with closing(store.source.sample(select(), requested, 10)) as samples:  # type: ignore[type-var]
        next(samples)
        assert list(requested) == [KeyRange("C00001"), KeyRange("C00002")]


def test_lists_have_a_bounded_length(crowded: ClientStore) -> None:
    lengths = [len(rows) for rows in crowded.source.read(select(), KeyRange())]

    assert sum(lengths) == CROWD
    assert max(lengths) <= MAX_ROWS_PER_LIST


def test_readers_that_stop_early_give_their_connections_back(crowded: ClientStore) -> None:
    for _ in range(40):
        rows = crowded.source.read(select(), KeyRange())
        next(rows)
        rows.close()  # type: ignore[attr-defined]

    assert len(codes(crowded.source, select())) == CROWD


def test_threads_can_read_at_the_same_time(crowded: ClientStore) -> None:
    with ThreadPoolExecutor(4) as pool:
        read = list(pool.map(lambda _: codes(crowded.source, select()), range(8)))

    assert all(found == read[0] and len(found) == CROWD for found in read)


EARLY, LATE = datetime(2026, 3, 1, 12, tzinfo=UTC), datetime(2026, 3, 1, 12, 0, 0, 1000, tzinfo=UTC)
FILTERED = (
    client("A", manager_code="M1", status="Active", type="Trust", service_codes="VAT", updated_at=EARLY),
    client("B", manager_code="M2", partner_code="M1", status="Inactive", service_codes="PAYE;VAT", updated_at=LATE),
    client("C", manager_code="m1", associate_code="M1", status="Active", service_codes=" PAYE ; VATX "),
    client("D", team_code="M1", status="Prospect", type="Charity", service_codes="CT  ;  VAT"),
    client("E", manager_code="M1", status="LostProspect", type="Charity", service_codes="vat; TAX RETURN"),
)
FILTER_CASES: dict[str, tuple[dict[str, Any], str]] = {
    "nothing": ({}, "ABCDE"),
    "empty lists": ({"manager_codes": (), "statuses": (), "service_codes": (), "search": ""}, "ABCDE"),
    "one manager": ({"manager_codes": ("M1",)}, "AE"),
    "two managers": ({"manager_codes": ("M1", "M2")}, "ABE"),
    "unknown manager": ({"manager_codes": ("M",)}, ""),
    "partner": ({"partner_codes": ("M1",)}, "B"),
    "associate": ({"associate_codes": ("M1",)}, "C"),
    "team": ({"team_codes": ("M1",)}, "D"),
    "statuses": ({"statuses": ("Active", "Prospect")}, "ACD"),
    "types": ({"types": ("Charity",)}, "DE"),
    "whole service codes": ({"service_codes": ("VAT",)}, "ABD"),
    "service codes with spaces around": ({"service_codes": ("PAYE",)}, "BC"),
    "service codes with spaces inside": ({"service_codes": ("TAX RETURN",)}, "E"),
    "two service codes": ({"service_codes": ("CT", "VATX")}, "CD"),
    "a blank service code": ({"service_codes": (" ",)}, ""),
    "a service code with a separator": ({"service_codes": ("PAYE;VAT",)}, ""),
    "a service code with a separator and another": ({"service_codes": ("CT;", "CT")}, "D"),
    "a thousand service codes": ({"service_codes": (*map(str, range(999)), "CT")}, "D"),
    "a thousand managers": ({"manager_codes": (*map(str, range(999)), "M2")}, "B"),
    "since, inclusive": ({"updated_since": EARLY}, "AB"),
    "since, to the millisecond": ({"updated_since": EARLY + timedelta(microseconds=1)}, "B"),
    "since, in another zone": ({"updated_since": LATE.astimezone(timezone(timedelta(hours=-5)))}, "B"),
    "until, exclusive": ({"updated_until": LATE}, "ACDE"),
    "until, to the microsecond": ({"updated_until": LATE + timedelta(microseconds=1)}, "ABCDE"),
    "until, in another zone": ({"updated_until": EARLY.astimezone(timezone(timedelta(hours=-5)))}, "CDE"),
    "since and until": ({"updated_since": EARLY, "updated_until": LATE}, "A"),
    "since and until, to the microsecond": (
        {"updated_since": EARLY + timedelta(microseconds=1), "updated_until": LATE + timedelta(microseconds=1)},
        "B",
    ),
    "lists are AND": ({"manager_codes": ("M1", "M2"), "statuses": ("Active",), "service_codes": ("VAT",)}, "A"),
    "all at once": (
        {"manager_codes": ("M1",), "statuses": ("Active",), "types": ("Trust",), "service_codes": ("VAT",)}
        | {"search": "a", "updated_since": EARLY, "updated_until": LATE},
        "A",
    ),
}


def test_a_filter_selects_the_expected_clients(store: ClientStore) -> None:
    store.put(*FILTERED)

    def check(case: tuple[dict[str, Any], str]) -> None:
        filters, expected = case
        assert codes(store.source, select(**filters)) == list(expected)
        assert store.source.find_boundaries(select(**filters), 10).total_rows == len(expected)

    assert_each(FILTER_CASES, check)


def test_every_client_is_either_until_or_since_a_moment(store: ClientStore) -> None:
    store.put(*FILTERED)

    def check(microseconds: int) -> None:
        moment = EARLY + timedelta(microseconds=microseconds)
        until = codes(store.source, select(updated_until=moment))
        since = codes(store.source, select(updated_since=moment))
        assert sorted(until + since) == list("ABCDE")

    assert_each({f"{each} µs": each for each in (-1_000, -1, 0, 1, 999, 1_000, 1_001)}, check)


def test_search_covers_each_documented_column(store: ClientStore) -> None:
    store.put(
        client("C1"), *(client(**{"code": f"C-{name}", name: f"xx Needle.{name} xx"}) for name in SEARCHED_COLUMNS)
    )

    def check(column: str) -> None:
        (found,) = store.source.read(select(search=f"needle.{column} "), KeyRange())
        assert [code for code, *_ in found] == ["xx Needle.code xx" if column == "code" else f"C-{column}"]

    assert_each({column: column for column in SEARCHED_COLUMNS}, check)


def test_search_ignores_letter_case_in_every_script(store: ClientStore) -> None:
    names = {"C1": "Straße ÉCLAIR Ltd", "C2": "zoë", "C3": "ΣΟΦΙΑ", "C4": "other"}
    store.put(*(client(code, name=name) for code, name in names.items()))

    for search, code in (("éclair", "C1"), ("ZOË", "C2"), ("σοφια", "C3")):
        assert codes(store.source, select(search=search)) == [code]


def test_wildcard_characters_in_a_search_match_only_themselves(store: ClientStore) -> None:
    wild = ("a%c", "a_c", "[abc]", "a*c", "a?c", "a~%c", "a\\%c", "%", "_")
    names = {"C0": "abc", **{f"C{number}": f"x{text}x" for number, text in enumerate(wild, 1)}}
    store.put(*(client(code, name=name) for code, name in names.items()))

    def check(search: str) -> None:
        assert codes(store.source, select(search=search)) == [code for code, name in names.items() if search in name]

    assert_each({text: text for text in wild}, check)


FILTER_MAKERS: dict[str, Callable[[str], dict[str, Any]]] = {
    "manager_code": lambda text: {"manager_codes": (text,)},
    "team_code": lambda text: {"team_codes": (text,)},
    "name": lambda text: {"search": text},
}


@pytest.mark.parametrize("column", FILTER_MAKERS)
def test_hostile_text_in_a_filter_is_only_text(store: ClientStore, column: str) -> None:
    """It finds the client with this text, and in a search those whose text contains it, but no other."""
    texts = {f"C{number:02d}": text for number, text in enumerate(("plain", *HOSTILE_TEXTS))}
    store.put(*(client(code, **{column: text}) for code, text in texts.items()), client("D1", tenant="harbour"))

    def check(hostile: str) -> None:
        matches = [code for code, text in texts.items() if text == hostile or (column == "name" and hostile in text)]
        assert codes(store.source, select(**FILTER_MAKERS[column](hostile))) == matches

    assert_each({text: text for text in HOSTILE_TEXTS}, check)


def test_text_with_a_nul_matches_no_client(store: ClientStore) -> None:
    store.put(client("C1", manager_code="M", service_codes="VAT"))

    for selection in (select(search="\0"), select(manager_codes=("M\0",)), select(service_codes=("\0",))):
        assert codes(store.source, selection) == []


def test_clients_of_other_tenants_never_appear(store: ClientStore) -> None:
    others = ["harbour", "northwind2", "NORTHWIND", "north%"]
    store.put(client("C1"), *(client("C1", tenant=other, name="x") for other in others))

    def check(tenant: str) -> None:
        expected = ["C1"] if tenant == TENANT else []
        assert codes(store.source, select(tenant=tenant)) == expected
        assert codes(store.source, select(tenant=tenant, search="x")) == []
        assert codes(store.source, select(tenant=tenant), KeyRange("A", "Z")) == expected
        assert store.source.find_boundaries(select(tenant=tenant), 1).total_rows == len(expected)

    tenants = (TENANT, "north", "northwind ", "%", "' OR '1'='1", "Northwind", "")
    assert_each({tenant: tenant for tenant in tenants}, check)


def test_no_documented_column_is_missing(store: ClientStore) -> None:
    store.put(client("C1"))

    assert store.source.missing_columns(VIEW_COLUMNS) == ()


def test_a_source_that_does_not_answer_is_temporarily_unavailable(unreachable_source: ClientSource) -> None:
    source = unreachable_source

    for request in (
        lambda: source.missing_columns(VIEW_COLUMNS),
        lambda: source.find_boundaries(select(), 10),
        lambda: list(source.read(select(), KeyRange())),
    ):
        with pytest.raises(SourceUnavailableError) as caught:
            request()
        assert str(caught.value).startswith("The client database did not answer")
        assert caught.value.__cause__ is not None


def test_an_open_iterator_does_not_block_other_reads(crowded: ClientStore) -> None:
    with closing(crowded.source.read(select(), KeyRange())) as rows:  # type: ignore[type-var]
        next(rows)
        assert crowded.source.find_boundaries(select(), 1_000).total_rows == CROWD
