"""Write a view `clients` to start from, in the SQL of one kind of database.

The view runs as it is: it reads one example client from a subquery. A person puts tables of their own in the place of
the subquery, and expressions on these tables in the place of the examples.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from exports.commands.view_columns import MEANINGS
from exports.request.fields import REQUIRED_COLUMNS

_TYPES = {
    "postgresql": {"text": "text", "boolean": "boolean", "date": "date", "moment": "timestamp with time zone"},
    "mysql": {"text": "char(100)", "boolean": "signed", "date": "date", "moment": "datetime(3)"},
    "sqlite": {"text": "text", "boolean": "integer", "date": "text", "moment": "text"},
    "mssql": {"text": "nvarchar(100)", "boolean": "bit", "date": "date", "moment": "datetime2(3)"},
}
"""Dialect → type in `MEANINGS` → type as that database casts to it."""

DIALECTS = tuple(_TYPES)

_EXAMPLE_CLIENT = {
    "practice": "northwind",
    "reference": "C0001",
    "display_name": "Harbour Bakery Ltd",
    "kind": "ltd",
    "left_on": None,
    "mail_allowed": "1",
    "company_no": "01234567",
    "formed_on": "2019-04-01",
    "manager_id": "M1",
    "services": "CT;VAT",
    "changed_at": "2026-01-31 09:00:00.000",
}
"""Column of the example client → its text; None is NULL."""

_EXAMPLES = {
    "tenant": "c.practice",
    "code": "c.reference",
    "name": "c.display_name",
    "type": "CASE c.kind WHEN 'ltd' THEN 'PrivateLimitedCompany' ELSE 'Individual' END",
    "status": "CASE WHEN c.left_on IS NULL THEN 'Active' ELSE 'Inactive' END",
    "can_contact_email": "CAST(c.mail_allowed AS {boolean})",
    "company_number": "c.company_no",
    "incorporation_date": "CAST(c.formed_on AS {date})",
    "manager_code": "c.manager_id",
    "service_codes": "c.services",
    "updated_at": "CAST(c.changed_at AS {moment})",
}
"""Column of the view → an example of its expression. The other columns are NULL of the right type."""

_SQLITE_MOMENT = "strftime('%Y-%m-%dT%H:%M:%fZ', c.changed_at)"


def view_template(dialect: str) -> str:
    """Return a CREATE VIEW with every column, for one of `DIALECTS`."""
    return "".join(f"{line}\n" for line in _lines(dialect))


def _lines(dialect: str) -> Iterator[str]:
    yield "-- The view that client-export reads. It runs as it is, and shows one example client."
    yield "-- Put your tables in the place of the subquery after FROM, and your columns in the place of the examples."
    yield "-- Leave out columns that you have no data for: they are empty in every file, and filters by them refused."
    yield f"-- Only {_listed(REQUIRED_COLUMNS)} are required. Never rename a column of the view."
    yield "-- Give the table columns behind (tenant, code) a unique index. If previews by a filter"
    yield "-- that finds few clients are slow, add an index with its column: (tenant, manager_code, code), for example."
    yield f"CREATE VIEW {'dbo.' if dialect == 'mssql' else ''}clients AS"
    yield "SELECT"
    last = next(reversed(MEANINGS))
    for name, (kind, meaning) in MEANINGS.items():
        need = "required" if name in REQUIRED_COLUMNS else "optional"
        yield f"    -- {meaning.replace('`', '')} ({kind}, {need})"
        yield f"    {_expression(dialect, name, kind)} AS {name}{'' if name == last else ','}"
    yield "FROM ("
    yield f"    SELECT {', '.join(_example_columns(dialect))}"
    yield ") AS c;"


def _listed(names: Sequence[str]) -> str:
    return f"{', '.join(names[:-1])} and {names[-1]}"


def _expression(dialect: str, name: str, kind: str) -> str:
    types = _TYPES[dialect]
    if dialect == "sqlite" and name == "updated_at":
        return _SQLITE_MOMENT
    return _EXAMPLES.get(name, f"CAST(NULL AS {types[kind]})").format(**types)


def _example_columns(dialect: str) -> Iterator[str]:
    for name, value in _EXAMPLE_CLIENT.items():
        literal = f"CAST(NULL AS {_TYPES[dialect]['date']})" if value is None else f"'{value}'"
        yield f"{literal} AS {name}"
