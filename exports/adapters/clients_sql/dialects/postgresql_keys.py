"""Compare columns of PostgreSQL with text, each in its own type."""

from __future__ import annotations

import re
from typing import Any

from sqlalchemy import ColumnElement, String, bindparam, cast

from exports.adapters.clients_sql.dialects.postgresql_types import TEXT, VARCHAR, PostgresType
from exports.adapters.clients_sql.sql.columns import CellForm, ViewColumn
from exports.adapters.clients_sql.sql.expressions import NamedType

_INTEGER_RANGES = {
    "smallint": range(-(2**15), 2**15),
    "integer": range(-(2**31), 2**31),
    "bigint": range(-(2**63), 2**63),
    "oid": range(2**32),
}
_NAME_BYTES = 63
_FORMS = {
    CellForm.INTEGER: re.compile(r"[+-]?[0-9]{1,20}"),
    CellForm.NUMERIC: re.compile(r"[+-]?[0-9]{1,1000}(\.[0-9]{0,1000})?|NaN|-?Infinity"),
    CellForm.UUID: re.compile(r"[0-9a-fA-F]{8}-?([0-9a-fA-F]{4}-?){3}[0-9a-fA-F]{12}"),
}


def key_bound(column: ViewColumn, name: str, text: str) -> ColumnElement[Any] | None:
    """Return text as a bound value of the column's type; None if the type has no such value.

    The type has no length here: a cast to `varchar(9)` or `char(9)` would cut the text.
    """
    of: PostgresType | None = column.details
    if of is not None and not _can_hold(of, text, column.charset or "utf-8"):
        return None
    bound = bindparam(name, text, String())
    return bound if of is None or of.oid in {TEXT, VARCHAR} else cast(bound, NamedType(of.name))


def _can_hold(of: PostgresType, text: str, charset: str) -> bool:
    if of.form is CellForm.ENUM:
        return text in of.labels
    if of.name == "name":  # a cast cuts longer text
        return len(text.encode(charset)) <= _NAME_BYTES
    form = _FORMS.get(of.form or CellForm.TEXT)
    if form is not None and form.fullmatch(text) is None:
        return False
    return of.name not in _INTEGER_RANGES or int(text) in _INTEGER_RANGES[of.name]
