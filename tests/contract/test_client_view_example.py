"""The PostgreSQL example in `docs/client-view.md` runs unchanged, and its view can be exported."""

from __future__ import annotations

import re
from contextlib import closing
from pathlib import Path

from sqlalchemy import URL, create_engine, text

from exports.adapters.clients_sql.source import SqlClientSource
from exports.file.ranges import KeyRange
from exports.ports.clients import ClientSelection
from exports.request.fields import VIEW_COLUMNS
from exports.request.filters import ClientFilter

DOCUMENT = Path(__file__).parents[2] / "docs" / "client-view.md"
ROWS = """
INSERT INTO practice VALUES (1, 'northwind'), (2, 'harbour');
INSERT INTO staff VALUES (1, 'M1', 'Harriet Okafor');
INSERT INTO client (id, practice_id, reference, kind, manager_id) VALUES (1, 1, 'C1', 'ltd', 1);
INSERT INTO client (id, practice_id, reference) VALUES (2, 2, 'C1');
INSERT INTO client_service VALUES (1, 'VAT'), (1, 'CT');
"""


def test_the_example_for_postgresql_runs_and_can_be_exported(postgres_schema: URL) -> None:
    tables, view = re.findall(r"```sql\n(.*?)```", DOCUMENT.read_text(encoding="utf-8"), re.DOTALL)[:2]
    engine = create_engine(postgres_schema)
    with engine.begin() as connection:
        for script in (tables, view, ROWS):
            for statement in filter(str.strip, script.split(";\n")):
                connection.execute(text(statement.replace("::", "\\:\\:")))
    engine.dispose()
    wanted = ClientFilter(manager_codes=("M1",), service_codes=("CT",))
    selection = ClientSelection("northwind", ("code", "type", "manager", "vat_registered", "service_codes"), wanted)

    with closing(SqlClientSource(postgres_schema.render_as_string(hide_password=False))) as source:
        assert source.missing_columns(VIEW_COLUMNS) == ()
        assert source.find_boundaries(selection, 10).total_rows == 1
        rows = list(source.read(selection, KeyRange()))

    assert rows == [[("C1", "PrivateLimitedCompany", "Harriet Okafor", False, "CT;VAT")]]
