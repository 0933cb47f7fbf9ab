"""The view that `python -m exports view template` prints runs unchanged, and its client can be exported."""

from __future__ import annotations

import re
from contextlib import closing
from pathlib import Path

import pytest
from sqlalchemy import URL, create_engine, make_url

from exports.__main__ import main
from exports.adapters.clients_sql.source import SqlClientSource
from exports.commands.view_columns import MEANINGS
from exports.commands.view_template import DIALECTS
from exports.file.ranges import KeyRange
from exports.ports.clients import ClientSelection
from exports.request.fields import REQUIRED_COLUMNS, VIEW_COLUMNS
from exports.request.filters import ClientFilter
from tests.support.tsql_parser import parse

DOCUMENTS = Path(__file__).parents[2] / "docs"


def template(dialect: str, capsys: pytest.CaptureFixture[str]) -> str:
    assert main(["view", "template", "--dialect", dialect]) == 0
    return capsys.readouterr().out


def require_export(url: URL, script: str) -> None:
    """Create the view, and export its client by filters on two of its columns."""
    engine = create_engine(url)
    with engine.begin() as connection:
        connection.exec_driver_sql(script.replace("%", "%%") if url.get_backend_name() != "sqlite" else script)
    engine.dispose()
    wanted = ClientFilter(manager_codes=("M1",), service_codes=("VAT",))
    columns = ("code", "name", "type", "status", "company_number", "service_codes", "email", "vat_reg_date")
    selection = ClientSelection("northwind", columns, wanted)

    with closing(SqlClientSource(url)) as source:
        assert source.missing_columns(VIEW_COLUMNS) == ()
        assert source.find_boundaries(selection, 10).total_rows == 1
        rows = list(source.read(selection, KeyRange()))

    texts = ("C0001", "Harbour Bakery Ltd", "PrivateLimitedCompany", "Active", "01234567", "CT;VAT", None, None)
    assert rows == [[texts]]


def test_the_template_for_postgresql_runs_and_can_be_exported(
    postgres_schema: URL, capsys: pytest.CaptureFixture[str]
) -> None:
    require_export(postgres_schema, template("postgresql", capsys))


def test_the_template_for_mysql_runs_on_mariadb_and_can_be_exported(
    mariadb_database: URL, capsys: pytest.CaptureFixture[str]
) -> None:
    require_export(mariadb_database, template("mysql", capsys))


def test_the_template_for_sqlite_runs_and_can_be_exported(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    require_export(make_url(f"sqlite:///{tmp_path / 'clients.db'}"), template("sqlite", capsys))


def test_microsofts_parser_accepts_the_template_for_azure_sql(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert parse(tmp_path, {"view": template("mssql", capsys)}) == ""


@pytest.mark.parametrize("dialect", DIALECTS)
def test_every_template_has_each_column_of_the_view_once(dialect: str, capsys: pytest.CaptureFixture[str]) -> None:
    names = re.findall(r"^    .* AS (\w+),?$", template(dialect, capsys).partition("FROM (")[0], re.MULTILINE)

    assert sorted(names) == sorted(VIEW_COLUMNS)


def test_the_template_marks_the_columns_that_every_view_needs(capsys: pytest.CaptureFixture[str]) -> None:
    pairs = re.findall(r", (required|optional)\)\n +.* AS (\w+),?$", template("sqlite", capsys), re.MULTILINE)

    assert [name for need, name in pairs if need == "required"] == [*REQUIRED_COLUMNS]
    assert len(pairs) == len(VIEW_COLUMNS)


def test_the_template_gives_each_column_the_meaning_in_the_document() -> None:
    document = (DOCUMENTS / "client-view.md").read_text(encoding="utf-8")
    table = re.findall(r"^\| `(\w+)` \| (text|boolean|date|moment) \| (?:yes|no) \| (.*?) \|", document, re.MULTILINE)

    assert {name: (kind, meaning) for name, kind, meaning in table} == MEANINGS
