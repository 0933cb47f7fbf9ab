"""Microsoft's own T-SQL parser reads every statement that leaves the process for Azure SQL.

The real driver sends them to a server that records them, whichever method of the source or of the view check made them.
The parser judges syntax. It knows no types, collations or plans; no test has run against a SQL Server.
"""

from __future__ import annotations

import hashlib
import inspect
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
from tests.support.tds_server import ServerError, Table, TdsServer
from tests.support.tsql_parser import parse
from tests.support.tsql_views import answering, view_of

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
_RENDERER = CsvRenderer([ColumnMapping(target_field=field, csv_header=field.value) for field in TargetField])
_MOMENTS = ("date", "datetime", "smalldatetime", "datetime2(7)", "datetimeoffset(7)")


def _filters(codes: Iterable[str] = _CODES) -> dict[str, ClientFilter]:
    """Return no filter, each filter alone with values of its own type, and all filters together."""
    listed: dict[str, Any] = dict.fromkeys(LISTED_COLUMNS, tuple(codes))
    listed |= {"statuses": ["Active", "Inactive"], "types": ["PrivateLimitedCompany", "SoleTrader"]}
    others = {"service_codes": _CODES, "search": "O'Neil %", "updated_since": datetime(2026, 1, 31, tzinfo=UTC)}
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


def _uses(source: SqlClientSource, wanted: ClientFilter, key: str) -> dict[str, Callable[[], Any]]:
    """Return a use of each public method of the source."""
    selection = ClientSelection(key, _RENDERER.source_columns, wanted)
    ranges = [KeyRange(start, stop) for start, stop in product((None, key), (None, key))]
    return {
        "missing_columns": lambda: source.missing_columns(VIEW_COLUMNS),
        "find_boundaries": lambda: source.find_boundaries(selection, 2),
        "rank_codes": lambda: source.rank_codes([key, key]),
        "sample": lambda: list(source.sample(selection, ranges, 40)),
        "render_samples": lambda: list(source.render_samples(selection, [key], 40, _RENDERER)),
        "read": lambda: [list(source.read(selection, key_range)) for key_range in ranges],
        "render": lambda: [list(source.render(selection, key_range, _RENDERER)) for key_range in ranges],
        "generation": source.generation,
        "is_replaced": lambda: source.is_replaced("{}"),
        "close": source.close,
    }


def _scripts(view: Table, key: str, filters: Iterable[ClientFilter], *, is_checked: bool = True) -> Iterator[str]:
    """Use every method with each filter, and yield what the server got. Some views cannot serve every filter."""
    with TdsServer(answering(view, key)) as server, closing(SqlClientSource(server.url)) as source:
        for wanted in filters:
            for name, use in _uses(source, wanted, key).items():
                if is_checked or name != "missing_columns":
                    use()
        report_on_view(server.url)
    return iter([statement.script for statement in server.statements])


def _parsed(folder: Path, scripts: Iterable[str]) -> str:
    return parse(folder, {hashlib.sha256(text.encode()).hexdigest()[:16]: text for text in scripts})


def test_microsofts_parser_accepts_every_statement_for_azure_sql(tmp_path: Path) -> None:
    every = _filters().values()
    few = [ClientFilter(), _filters()["all"]]
    keys = [_scripts(view_of(kind, kind), key, _filters([key, "x"]).values()) for kind, key in _KEY_OF.items()]
    cells = [
        _scripts(view_of(kind), "C1", [ClientFilter(), ClientFilter(search="1")], is_checked=False)
        for kind in _OTHER_TYPES
    ]
    moments = [_scripts(view_of(moment=kind), "C1", few) for kind in _MOMENTS]
    usual = _scripts(view_of(), "C1", every)
    assert _parsed(tmp_path, chain(usual, *keys, *cells, *moments)) == ""


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


def test_the_parser_reads_the_statements_that_look_for_a_bad_value(tmp_path: Path) -> None:
    usual = answering(view_of("int", "varchar(9)"), "C1")

    def answer(statement: str) -> Table | ServerError:
        if "CAST(clients.name AS nvarchar(max))" in statement:
            return ServerError(245, "Conversion failed when converting the varchar value 'x' to data type int.")
        is_page = "CAST(clients." in statement
        return Table(["code"], [("C0",), ("C1",)]) if is_page else usual(statement)

    with TdsServer(answer) as server, closing(SqlClientSource(server.url)) as source:
        selection = ClientSelection("northwind", ("code", "name", "email"))
        with pytest.raises(SourceMismatchError, match="The column name of the clients view holds a value") as caught:
            list(source.read(selection, KeyRange()))
    assert caught.value.private == "The client has the code C0."
    assert _parsed(tmp_path, [statement.script for statement in server.statements]) == ""


def test_microsofts_parser_reports_a_boolean_that_is_compared_twice(tmp_path: Path) -> None:
    found = parse(tmp_path, {"twice": "SELECT 1 WHERE CASE WHEN 1 = 1 THEN 1 ELSE 0 END = 1 = 1"})
    assert "Incorrect syntax near '='" in found
