"""`docs/client-view.md` agrees with the code."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import QueuePool, make_url

from exports.adapters.clients_sql.dialects.base import STATEMENT_TIMEOUT_SECONDS
from exports.adapters.clients_sql.engines import make_engine
from exports.adapters.clients_tables.keys import TenantKeys
from exports.adapters.clients_tables.source import DEFAULT_PREFIX
from exports.request.fields import (
    SENSITIVE_FIELDS,
    VIEW_COLUMNS,
    CellKind,
    ClientStatus,
    ClientType,
    TargetField,
    cell_kind,
    source_columns,
)
from exports.request.filters import SEARCHED_COLUMNS, ClientFilter
from exports.settings import Settings

ROOT = Path(__file__).parents[2]
DOCUMENT = (ROOT / "docs" / "client-view.md").read_text(encoding="utf-8")
_COLUMNS = DOCUMENT.partition("\n## Columns\n")[2].partition("\n### ")[0]
ROWS = [
    [cell.strip() for cell in line.strip("|").split("|")] for line in re.findall(r"^\| `.*", _COLUMNS, re.MULTILINE)
]
VIEWS = re.findall(r"CREATE VIEW (?:dbo\.)?clients AS\nSELECT\n(.*?)\nFROM", DOCUMENT, re.DOTALL)
KINDS = {name: cell_kind(field) for field in TargetField for name in source_columns(field)}
TYPES = {CellKind.BOOLEAN: "boolean", CellKind.DATE: "date"}
FILTERS = {
    "manager_code": "managerCodes",
    "partner_code": "partnerCodes",
    "associate_code": "associateCodes",
    "team_code": "teamCodes",
    "status": "statuses",
    "type": "types",
    "service_codes": "serviceCodes",
}


def words(cell: str) -> list[str]:
    """Return the words of a table cell that are set as code."""
    return re.findall(r"`([^`]+)`", cell)


def expected_row(column: str) -> list[object]:
    """Return the type, whether it may be empty, the fields and the filters that the document must give for a column."""
    filters = [FILTERS[column]] if column in FILTERS else []
    filters += ["updatedSince", "updatedUntil"] if column == "updated_at" else []
    return [
        "moment" if column == "updated_at" else TYPES.get(KINDS.get(column, CellKind.TEXT), "text"),
        "no" if column in {"tenant", "code"} else "yes",
        [field.value for field in TargetField if column in source_columns(field)],
        [*filters, *(["search"] if column in SEARCHED_COLUMNS else [])],
    ]


def test_the_table_marks_the_columns_of_sensitive_fields() -> None:
    marked = {words(row[0])[0] for row in ROWS if "(sensitive)" in row[3]}
    assert marked == {name for field in SENSITIVE_FIELDS for name in source_columns(field)}


def test_the_table_names_the_columns_of_the_view_in_their_order() -> None:
    assert tuple(words(row[0])[0] for row in ROWS) == VIEW_COLUMNS


def test_each_row_gives_the_type_fields_and_filters_of_its_column() -> None:
    documented = {
        words(name)[0]: [kind, empty, words(fields), words(filters)] for name, kind, empty, _, fields, filters in ROWS
    }
    assert documented == {column: expected_row(column) for column in VIEW_COLUMNS}


def test_each_row_explains_its_column() -> None:
    assert [row for row in ROWS if not row[3]] == []


def test_every_filter_appears_in_the_table() -> None:
    aliases = {field.alias for field in ClientFilter.model_fields.values()}

    assert {word for row in ROWS for word in words(row[5])} == aliases


def test_the_document_names_every_type_and_status_of_clients() -> None:
    assert [word.value for word in (*ClientType, *ClientStatus) if f"`{word}`" not in DOCUMENT] == []


@pytest.mark.parametrize("select", VIEWS, ids=["PostgreSQL", "Azure SQL"])
def test_the_examples_select_every_column_in_order(select: str) -> None:
    flat = re.sub(r"\([^()]*\)", "", re.sub(r"\([^()]*\)", "", select))
    names = [re.split(r" AS |\.", column)[-1].strip() for column in flat.split(",")]

    assert tuple(names) == VIEW_COLUMNS


def test_the_document_states_the_time_limit_of_a_statement() -> None:
    assert STATEMENT_TIMEOUT_SECONDS == 4 * 60
    assert "four minutes a statement" in DOCUMENT


@pytest.mark.parametrize("code", ["C00012345", "A/7 é", "", "o'c|~", "🙂"])
def test_the_code_reads_the_keys_that_the_documented_function_makes(code: str) -> None:
    made: dict[str, Any] = {}
    exec(re.findall(r"```python\n(.*?)```", DOCUMENT, re.DOTALL)[0], made)

    found = made["keys"]("north wind", code)

    assert TenantKeys("north wind", DEFAULT_PREFIX).code(found["PartitionKey"], found["RowKey"]) == code
    assert "the row key `A~00002f7~000020~0000e9`" in DOCUMENT
    assert made["key"]("A/7 é") == "A~00002f7~000020~0000e9"


def test_the_examples_limit_the_connections_to_what_all_instances_may_open() -> None:
    pool = make_engine(make_url("postgresql+psycopg://reader@host/clients")).pool
    assert isinstance(pool, QueuePool)
    most = pool.size() + pool._max_overflow
    template = (ROOT / "infra" / "main.bicep").read_text(encoding="utf-8")
    (instances,) = map(int, re.findall(r"^param maximumInstanceCount int = (\d+)$", template, re.MULTILINE))
    limits = re.findall(r"(?:CONNECTION LIMIT|MAX_USER_CONNECTIONS) (\d+);", DOCUMENT)
    assert {int(limit) for limit in limits} == {most * instances}
    section = " ".join(DOCUMENT.partition("\n## How many connections\n")[2].partition("\n## ")[0].split())
    assert f"{most} × {instances} (`maximumInstanceCount`) = {most * instances} by default" in section
    assert f"of which up to {['no', 'one', 'two', 'three', 'four', 'five'][pool.size()]} stay open" in section
    assert f"`EXPORT_WAVE_PAGES` ({Settings.model_fields['wave_pages'].default}, all jobs together)" in section


def test_both_documents_log_in_to_azure_sql_as_the_identity_of_the_template() -> None:
    guide = (ROOT / "docs" / "deploy.md").read_text(encoding="utf-8")
    for text in (DOCUMENT, guide):
        users = re.findall(
            r"mssql://([^@:`]*)@\S+ActiveDirectoryMSI", " ".join(text.split()).replace(" of the identity", "")
        )
        assert set(users) == {"‹client id›"}
        assert set(re.findall(r"CREATE USER (\S+) FROM EXTERNAL PROVIDER", text)) == {"[id-…]"}


@pytest.mark.parametrize("name", ["README.md", "docs/client-view.md", "docs/proof.md", "docs/webhooks.md"])
def test_a_document_says_where_its_commands_run(name: str) -> None:
    text = " ".join((ROOT / name).read_text(encoding="utf-8").split())
    assert "run in a checkout, after `python3 dev.py setup` and `. .venv/bin/activate`" in text
