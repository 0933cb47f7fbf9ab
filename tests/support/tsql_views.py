"""Views of SQL Server for tests: how the server describes their columns, and replies to the statements on them."""

from __future__ import annotations

from collections.abc import Mapping

from exports.request.fields import VIEW_COLUMNS, CellKind, column_kind
from tests.support.tds_server import CurrentTransaction, Rules, Table

COLLATION = "SQL_Latin1_General_CP1_CI_AS"
Description = tuple[str, str | None, int | None]
"""A column's type, its collation and the code page of the collation."""

_KINDS = {CellKind.BOOLEAN: "bit", CellKind.DATE: "date"}
_CHARACTERS = ("char", "varchar", "nchar", "nvarchar", "text", "ntext")

SNAPSHOT_RULES: Rules = (
    ("snapshot_isolation_state", Table(["x"], [(1,)])),
    ("SYSUTCDATETIME", Table(["x"], [("2026-11-30T05:28:21.1234567",)])),
    ("WHEN EXISTS", Table(["x"], [(1,)])),
    ("CURRENT_TRANSACTION_ID", CurrentTransaction(level=5)),
)
"""Answer the statements that take a snapshot, as a database that allows snapshot isolation."""


def described(type_name: str) -> Description:
    """Describe a column of a type as the server does."""
    is_text = type_name.partition("(")[0] in _CHARACTERS
    return (type_name, COLLATION, 1252) if is_text else (type_name, None, None)


def view_of(text_type: str = "nvarchar(100)", key_type: str = "nvarchar(100)", moment: str = "datetime2(3)") -> Table:
    """Describe a view whose columns of free text have one type, whose keys have another, and its moments a third.

    The view of deleted clients is described by the same rows.
    """
    keys = dict.fromkeys(("tenant", "code"), described(key_type))
    columns: Mapping[str, Description] = {
        **{name: described(_KINDS.get(column_kind(name), text_type)) for name in VIEW_COLUMNS},
        **keys,
        **dict.fromkeys(("updated_at", "deleted_at"), described(moment)),
    }
    names = ["name", "type_name", "collation_name", "code_page"]
    return Table(names, [(name, of[0], of[1], None if of[2] is None else str(of[2])) for name, of in columns.items()])


def rules_for(view: Table, key: str) -> Rules:
    """Answer every statement on a view that has one code, but no client on any page."""
    return [
        *SNAPSHOT_RULES,
        ("is_read_committed_snapshot_on", Table(["x"], [(1,)])),
        ("dm_exec_describe_first_result_set", view),
        ("FROM deleted_clients", Table(["tenant", "code", "deleted_at"])),
        ("SELECT * ", Table(VIEW_COLUMNS)),
        ("AS numbered", Table(["code", "position", "following"], [(key, 1, 1), (key, 3, None)])),
        ("dense_rank", Table(["place", "rank"], [(0, 1), (1, 1)])),
        ("SELECT count(*)", Table(["count_1"], [(1,)])),
    ]
