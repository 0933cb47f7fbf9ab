"""Describe the columns of the view as MySQL or MariaDB has them now, by one statement.

A type is read from its name, such as `decimal(9,2) unsigned zerofill`. Types whose names are not listed here have no
form, so they are refused.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from sqlalchemy import Connection

from exports.adapters.clients_sql.dialects.mysql_values import shortest_single
from exports.adapters.clients_sql.sql.columns import CellForm, ViewColumn
from exports.adapters.clients_sql.sql.json_text import compact_json

UTF8MB4 = "utf8mb4"
"""The character set of our connections. It holds every text."""

_FORMS = {
    **dict.fromkeys(("tinyint", "smallint", "mediumint", "int", "bigint", "bit", "year"), CellForm.INTEGER),
    "decimal": CellForm.NUMERIC,
    **dict.fromkeys(("float", "double"), CellForm.FLOAT),
    **dict.fromkeys(("char", "varchar", "tinytext", "text", "mediumtext", "longtext"), CellForm.TEXT),
    "date": CellForm.DATE,
    "time": CellForm.TIME,
    "datetime": CellForm.TIMESTAMP,
    "timestamp": CellForm.INSTANT,
    "enum": CellForm.ENUM,
    "set": CellForm.ARRAY,
    "json": CellForm.JSON,
    "uuid": CellForm.UUID,
    **dict.fromkeys(("inet4", "inet6"), CellForm.NETWORK),
}
"""Forms by the first word of a type. MariaDB's `json` is `longtext`, so its form is text."""

_ONLY_NULL = "binary(0)"
"""The type of `NULL AS name`."""

_ORDERED = frozenset({CellForm.TEXT, CellForm.INTEGER, CellForm.NUMERIC, CellForm.UUID, CellForm.NETWORK})
_COMPARED = _ORDERED | {CellForm.ENUM, CellForm.ARRAY}
"""Enumerations are equal to their labels, but ordered by the numbers of the labels. So they cannot be codes."""

DISORDERED = frozenset(
    {
        *("big5_chinese_ci", "big5_chinese_nopad_ci", "cp1250_czech_cs"),
        *("latin7_estonian_cs", "latin7_general_ci", "latin7_general_cs"),
    }
)
"""Collations by which MariaDB sorts texts in another order than it compares them. Tests try all of its collations."""

_NO_KEYS = frozenset({"bit", "year"})
_TYPE = re.compile(r"(?P<base>\w+)(?:\((?P<length>\d+)(?:,(?P<scale>\d+))?\))?")


@dataclass(frozen=True)
class MysqlType:
    """A type of MySQL or MariaDB.

    Attributes:
        base: The first word of its name: `decimal`.
        form: What stands in a cell; None if it cannot be written.
        collation: The collation of text; empty for other types.
        length: The number in parentheses: the digits that a column with ZEROFILL shows, or those of a fraction of a
            second. 0 if there is none.
        has_scale: Whether a number has a fixed number of decimals.
        fills_zeros: Whether numbers are shown with leading zeros.
    """

    base: str
    form: CellForm | None
    collation: str = ""
    length: int = 0
    has_scale: bool = False
    fills_zeros: bool = False

    @property
    def charset(self) -> str:
        """The character set of text. A collation has its name in front."""
        return self.collation.partition("_")[0]

    @property
    def width(self) -> int:
        """How many characters a number has at least, which zeros fill."""
        return self.length + self.has_scale if self.fills_zeros else 0

    @property
    def is_single(self) -> bool:
        """Whether numbers have single precision: the database prints six of their digits, which do not read back."""
        return self.base == "float" and not self.has_scale


def describe(connection: Connection, names: Sequence[str], view: str) -> Mapping[str, ViewColumn]:
    """Describe those of the named columns that a view has."""
    rows = connection.exec_driver_sql(f"SHOW FULL COLUMNS FROM {view}")
    described = ((row[0].lower(), row[1], row[2] or "") for row in rows)
    return {name: _column(name, type_name, collation) for name, type_name, collation in described if name in names}


def _column(name: str, type_name: str, collation: str) -> ViewColumn:
    if type_name == _ONLY_NULL:
        return ViewColumn(name, type_name, CellForm.UNKNOWN, key=True)
    of = type_named(type_name, collation)
    keys = _ORDERED if name == "code" else _COMPARED
    is_key = of.form in keys and of.base not in _NO_KEYS
    if name == "code" and collation in DISORDERED:
        is_key, type_name = False, f"{type_name} COLLATE {collation}"
    finish = compact_json if of.form is CellForm.JSON else shortest_single if of.is_single else None
    return ViewColumn(name, type_name, of.form, key=of if is_key else None, finish=finish, details=of)


def type_named(name: str, collation: str = "") -> MysqlType:
    """Read a type as `SHOW COLUMNS` names it."""
    found = _TYPE.match(name)
    base = found["base"] if found else name
    length, scale = (found["length"], found["scale"]) if found else (None, None)
    form = _FORMS.get(base)
    if form is CellForm.TEXT and not collation:
        form = None
    return MysqlType(base, form, collation, int(length or 0), scale is not None, name.endswith(" zerofill"))
