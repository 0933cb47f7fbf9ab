"""Microsoft's own T-SQL parser reads every statement that leaves the process for Azure SQL.

The real driver sends them to a server that records them, whichever method of the source or of the view check made them.
The parser judges syntax. It knows no types, collations or plans; no test has run against a SQL Server.
"""

from __future__ import annotations

import hashlib
import inspect
import json
import re
from collections.abc import Callable, Iterable, Iterator
from contextlib import closing
from datetime import UTC, datetime
from itertools import chain, product
from pathlib import Path
from typing import Any

import pytest

from exports.adapters.clients_sql.dialects.mssql_types import KEYS
from exports.adapters.clients_sql.source import SqlClientSource
from exports.adapters.clients_sql.view_report import report_on_view
from exports.errors import SourceMismatchError
from exports.file.csv.renderer import CsvRenderer
from exports.file.ranges import KeyRange
from exports.ports.clients import ClientSelection
from exports.request.columns import ColumnMapping
from exports.request.fields import VIEW_COLUMNS, TargetField
from exports.request.filters import LISTED_COLUMNS, ClientFilter
from tests.support.tds_process import TdsProcess
from tests.support.tds_server import Rules, ServerError, Table
from tests.support.tsql_parser import parse
from tests.support.tsql_views import rules_for, view_of

_CODES = ["one", "Größe"]
_UUID = "6ecd8c99-4036-403d-bf84-cf8400f67836"
_TEXT_KEYS = {"char(9)", "varchar(9)", "varchar(max)", "nchar(9)", "nvarchar(100)", "nvarchar(max)"}
_KEY_OF = {
    **dict.fromkeys(_TEXT_KEYS, "C1"),
    **dict.fromkeys(("tinyint", "smallint", "int", "bigint", "decimal(18,2)", "numeric(9,0)"), "42"),
    "uniqueidentifier": _UUID,
}
_OTHER_TYPES = (
    *("bit", "money", "smallmoney", "float", "real", "date", "time(7)", "datetime", "smalldatetime", "datetime2(7)"),
    *("datetimeoffset(7)", "json", "text", "ntext"),
)
_FEW_FIELDS = (TargetField.CODE, TargetField.NAME, TargetField.CAN_CONTACT_EMAIL, TargetField.INCORPORATION_DATE)
_FILTERS_OF_EVERY_TYPE = ("none", "manager_codes", "service_codes", "search", "all")
_MOMENTS = ("date", "datetime", "smalldatetime", "datetime2(7)", "datetimeoffset(7)")


def _filters(codes: Iterable[str] = _CODES) -> dict[str, ClientFilter]:
    """Return no filter, each filter alone with values of its own type, and all filters together."""
    listed: dict[str, Any] = dict.fromkeys(LISTED_COLUMNS, tuple(codes))
    listed |= {"statuses": ["Active", "Inactive"], "types": ["PrivateLimitedCompany", "SoleTrader"]}
    others = {"service_codes": _CODES, "search": "O'Neil %", "updated_since": datetime(2026, 1, 31, tzinfo=UTC)}
    others["updated_until"] = datetime(2026, 2, 28, tzinfo=UTC)
    every = {**listed, **others}
    alone = {name: ClientFilter.model_validate({name: value}) for name, value in every.items()}
    nobody = {
        "no_service": ClientFilter(service_codes=(";",)),
        "nul_service": ClientFilter.model_construct(service_codes=("\0",)),
        "nul_manager": ClientFilter.model_construct(manager_codes=("\0",)),
        "nul_search": ClientFilter.model_construct(search="\0"),
        "unwritable_search": ClientFilter(search="日本"),
    }
    return {"none": ClientFilter(), **alone, **nobody, "all": ClientFilter.model_validate(every)}


def _few_filters(codes: Iterable[str]) -> list[ClientFilter]:
    filters = _filters(codes)
    return [filters[name] for name in _FILTERS_OF_EVERY_TYPE]


def _uses(source: SqlClientSource, wanted: ClientFilter, key: str) -> dict[str, Callable[[], Any]]:
    """Return a use of each public method of the source. No filter changes what is selected, so it reads few columns."""
    fields = _FEW_FIELDS if wanted != ClientFilter() else TargetField
    renderer = CsvRenderer([ColumnMapping(target_field=field, csv_header=field.value) for field in fields])
    selection = ClientSelection(key, renderer.source_columns, wanted)
    since = wanted.updated_since or datetime(2026, 1, 31, tzinfo=UTC)
    changed = ClientSelection(key, (), wanted.model_copy(update={"updated_since": since}))
    ranges = [KeyRange(start, stop) for start, stop in product((None, key), (None, key))]
    return {
        "limited": lambda: source.limited(60.0).find_boundaries(selection, 2),
        "missing_columns": lambda: source.missing_columns(VIEW_COLUMNS),
        "preview": lambda: source.preview(selection, 0, 60.0, 60.0),
        "filter_values": lambda: source.filter_values(key, 1_000, 60.0),
        "find_boundaries": lambda: source.find_boundaries(selection, 2),
        "removed_codes": lambda: source.removed_codes(changed, 40, 60.0),
        "require_deletions": source.require_deletions,
        "rank_codes": lambda: source.rank_codes([key, key]),
        "sample": lambda: list(source.sample(selection, ranges, 40)),
        "render_samples": lambda: list(source.render_samples(selection, [key], 40, renderer)),
        "read": lambda: [list(source.read(selection, key_range)) for key_range in ranges],
        "render": lambda: list(source.render(selection, ranges[-1], renderer)),
        "generation": source.generation,
        "open_snapshot": lambda: _read_snapshot(source, selection),
        "snapshot_refusal": source.snapshot_refusal,
        "snapshot_reading": source.snapshot_reading,
        "is_replaced": lambda: source.is_replaced("{}"),
        "close": source.close,
    }


def _read_snapshot(source: SqlClientSource, selection: ClientSelection) -> None:
    """Take a snapshot and read it, without a filter only: none changes how it is taken."""
    if selection.filter != ClientFilter():
        return
    with source.open_snapshot() as snapshot:
        assert list(snapshot.clients.read(selection, KeyRange())) == []


def _scripts(
    tds: TdsProcess, view: Table, key: str, filters: Iterable[ClientFilter], *, is_checked: bool = True
) -> Iterator[str]:
    """Use every method with each filter, and yield what the server got. Some views cannot serve every filter."""
    with (
        tds.database(rules_for(view, key)) as server,
        closing(SqlClientSource(server.url, deletions_view="deleted_clients")) as source,
    ):
        for wanted in filters:
            for name, use in _uses(source, wanted, key).items():
                if is_checked or name != "missing_columns":
                    use()
        report_on_view(server.url)
        return iter([statement.script for statement in server.seen().statements])


def _parsed(folder: Path, scripts: Iterable[str]) -> str:
    return parse(folder, {hashlib.sha256(text.encode()).hexdigest()[:16]: text for text in scripts})


@pytest.mark.thorough
def test_microsofts_parser_accepts_every_statement_for_azure_sql(tds: TdsProcess, tmp_path: Path) -> None:
    usual = _scripts(tds, view_of(), "C1", _filters().values())
    narrow = _scripts(tds, view_of("varchar(9)", "varchar(9)"), "C1", _filters().values())
    keys = [_scripts(tds, view_of(kind, kind), key, _few_filters([key, "x"])) for kind, key in _KEY_OF.items()]
    cells = [
        _scripts(tds, view_of(kind), "C1", [ClientFilter(), ClientFilter(search="1")], is_checked=False)
        for kind in _OTHER_TYPES
    ]
    bounds = [_filters()["updated_since"], _filters()["updated_until"]]
    moments = [_scripts(tds, view_of(moment=kind), "C1", bounds) for kind in _MOMENTS]
    assert _parsed(tmp_path, chain(usual, narrow, *keys, *cells, *moments)) == ""


def test_microsofts_parser_accepts_every_statement_of_a_snapshot_for_azure_sql(tds: TdsProcess, tmp_path: Path) -> None:
    with tds.database(rules_for(view_of(), "C1")) as server, closing(SqlClientSource(server.url)) as source:
        _read_snapshot(source, ClientSelection("northwind", ("code", "name")))
        scripts = [statement.script for statement in server.seen().statements]
    words = ("snapshot_isolation_state", "LEVEL SNAPSHOT", "SYSUTCDATETIME", "WHEN EXISTS", "CURRENT_TRANSACTION_ID")
    assert [word for word in words if not any(word in script for script in scripts)] == []
    assert _parsed(tmp_path, scripts) == ""


@pytest.mark.parametrize("kind", _MOMENTS)
def test_moments_of_deletions_are_compared_in_the_type_of_their_column_on_azure_sql(
    tds: TdsProcess, kind: str, tmp_path: Path
) -> None:
    wanted = ClientFilter(
        updated_since=datetime(2026, 1, 31, tzinfo=UTC), updated_until=datetime(2026, 2, 1, tzinfo=UTC)
    )
    with (
        tds.database(rules_for(view_of(moment=kind), "C1")) as server,
        closing(SqlClientSource(server.url, deletions_view="deleted_clients")) as source,
    ):
        source.removed_codes(ClientSelection("northwind", (), wanted), 40, 60.0)
        (sent,) = [found for found in server.seen().statements if "deleted_at IS NULL" in found.text]
    compared = re.findall(rf"deleted_at (>=|<) CAST\(@P\d+ AS {re.escape(kind)}\)", sent.text)
    assert compared == [">=", "<"]
    assert _parsed(tmp_path, [sent.script]) == ""


def test_lists_at_their_maximum_take_one_parameter_each_on_azure_sql(tds: TdsProcess, tmp_path: Path) -> None:
    codes = [f"{'Größe'}{place:095d}" for place in range(1_000)]
    wanted = _filters(codes)["all"].model_copy(update={"service_codes": tuple(codes)})
    selection = ClientSelection("northwind", ("code",), wanted)
    for kind in ("nvarchar(100)", "varchar(100)"):
        with tds.database(rules_for(view_of(kind), "C1")) as server, closing(SqlClientSource(server.url)) as source:
            source.find_boundaries(selection, 2)
            assert list(source.read(selection, KeyRange("A", "Z"))) == []
            sent = server.seen().statements
        full = [value for statement in sent for value in statement.values if value and len(value) > 100_000]
        assert [json.loads(value) for value in full] == [codes] * 10
        assert max(len(statement.values) for statement in sent) < 20
        assert _parsed(tmp_path, [statement.script for statement in sent]) == ""


def test_the_parser_reads_the_statements_of_every_public_method_of_the_source() -> None:
    uses = _uses(SqlClientSource("mssql://host/clients"), ClientFilter(), "C1")
    public = [name for name, _ in inspect.getmembers(SqlClientSource, inspect.isfunction) if not name.startswith("_")]
    assert sorted(uses) == sorted(public)


def test_only_the_source_and_the_view_check_open_connections_for_reading() -> None:
    folder = Path(inspect.getfile(SqlClientSource)).parents[2]
    users = [file.name for file in folder.rglob("*.py") if "make_engine(" in file.read_text(encoding="utf-8")]
    assert sorted(users) == ["engines.py", "source.py", "view_report.py"]


def test_every_type_of_key_has_a_view_in_these_tests() -> None:
    assert {kind.partition("(")[0] for kind in _KEY_OF} == KEYS


def test_the_parser_reads_the_statements_that_look_for_a_bad_value(tds: TdsProcess, tmp_path: Path) -> None:
    refused = ServerError(245, "Conversion failed when converting the varchar value 'x' to data type int.")
    rules: Rules = [
        ("CAST(clients.name AS nvarchar(max))", refused),
        ("CAST(clients.", Table(["code"], [("C0",), ("C1",)])),
        *rules_for(view_of("int", "varchar(9)"), "C1"),
    ]
    with tds.database(rules) as server, closing(SqlClientSource(server.url)) as source:
        selection = ClientSelection("northwind", ("code", "name", "email"))
        with pytest.raises(SourceMismatchError, match="The column name of the clients view holds a value") as caught:
            list(source.read(selection, KeyRange()))
        statements = server.seen().statements
    assert caught.value.private == "The client has the code C0."
    assert _parsed(tmp_path, [statement.script for statement in statements]) == ""


def test_microsofts_parser_reports_a_boolean_that_is_compared_twice(tmp_path: Path) -> None:
    found = parse(tmp_path, {"twice": "SELECT 1 WHERE CASE WHEN 1 = 1 THEN 1 ELSE 0 END = 1 = 1"})
    assert "Incorrect syntax near '='" in found
