"""Compare columns of SQL Server with text, each in its own type and collation.

Without a cast SQL Server would convert the column: a `varchar` to `nvarchar`, which SQL collations sort in another way,
so that ranges of codes would not agree with their order ("Data type precedence (Transact-SQL)"). A `uniqueidentifier`
has an order of its own, which begins at its last six bytes ("Comparing GUID and uniqueidentifier values").
"""

from __future__ import annotations

import re
from datetime import UTC, datetime
from typing import Any

from sqlalchemy import ColumnElement, String, bindparam, cast

from exports.adapters.clients_sql.dialects.mssql_types import MssqlType
from exports.adapters.clients_sql.sql.columns import CellForm
from exports.adapters.clients_sql.sql.expressions import Instant, NamedType

_INTEGERS = {
    "tinyint": range(2**8),
    "smallint": range(-(2**15), 2**15),
    "int": range(-(2**31), 2**31),
    "bigint": range(-(2**63), 2**63),
}
_INTEGER = re.compile(r"[+-]?[0-9]{1,20}", re.ASCII)
_NUMBER = re.compile(r"[+-]?(?P<whole>[0-9]{1,40})(?:\.(?P<fraction>[0-9]{0,40}))?", re.ASCII)
_UUID = re.compile(r"[0-9a-fA-F]{8}(-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}")
_MAX_BYTES = 8000
_COLLATION = re.compile(r"\w+", re.ASCII)
_CALENDARS = {
    "smalldatetime": (datetime(1900, 1, 1, tzinfo=UTC), datetime(2079, 6, 6, 23, 59, tzinfo=UTC)),
    "datetime": (datetime(1753, 1, 1, tzinfo=UTC), datetime(9999, 12, 31, tzinfo=UTC)),
}
"""The first and the last moment of types that cannot hold every moment."""


def key_bound(of: MssqlType, charset: str | None, name: str, text: str) -> ColumnElement[Any] | None:
    """Return text as a bound value of the column's type; None if the type has no such value."""
    if not can_hold(of, charset, text):
        return None
    bound: ColumnElement[Any] = bindparam(name, text, String())
    if of.form is not CellForm.TEXT:
        return cast(bound, NamedType(of.text))
    if not _is_unicode(of):  # a cast converts to the character set of its operand's collation
        bound = bound.collate(collation_of(of))
    return cast(bound, NamedType(text_type(of)))


def can_hold(of: MssqlType, charset: str | None, text: str) -> bool:
    """Say whether a value of the column's type may equal the text. A cast would cut text longer than every value."""
    if of.form is not CellForm.TEXT:
        return _is_number_or_uuid(of, text)
    encoding = "utf-16-le" if _is_unicode(of) else charset or "utf-8"
    return of.is_max or len(text.encode(encoding)) <= _MAX_BYTES


def text_type(of: MssqlType) -> str:
    """Name the type that holds every text of a column without making SQL Server convert the column."""
    if _is_unicode(of):
        return "nvarchar(max)" if of.is_max else "nvarchar(4000)"
    return "varchar(max)" if of.is_max else "varchar(8000)"


def collation_of(of: MssqlType) -> str:
    """Name the collation of a column. Values that are no text become text in the collation of the database."""
    is_known = of.collation is not None and _COLLATION.fullmatch(of.collation) is not None
    return str(of.collation) if is_known else "DATABASE_DEFAULT"


def moment_bound(of: MssqlType, name: str, moment: datetime) -> ColumnElement[Any]:
    """Return a moment as a value of the column's type.

    The cast rounds as SQL Server rounded the column's own values, so no client is lost that changed at the moment.
    """
    first, last = _CALENDARS.get(of.name, (moment, moment))
    bound = bindparam(name, min(max(moment, first), last), Instant())
    return cast(bound, NamedType(of.text))


def is_after_all(of: MssqlType, moment: datetime) -> bool:
    """Say whether a moment is later than every one that the type can hold."""
    return of.name in _CALENDARS and moment > _CALENDARS[of.name][1]


def _is_unicode(of: MssqlType) -> bool:
    return of.name.startswith("n")


def _is_number_or_uuid(of: MssqlType, text: str) -> bool:
    if of.name in _INTEGERS:
        return _INTEGER.fullmatch(text) is not None and int(text) in _INTEGERS[of.name]
    if of.form is CellForm.UUID:
        return _UUID.fullmatch(text) is not None
    found = _NUMBER.fullmatch(text)
    if found is None:
        return False
    whole, fraction = found["whole"].lstrip("0"), (found["fraction"] or "").rstrip("0")
    return len(whole) <= of.precision - of.scale and len(fraction) <= of.scale
