"""What a source knows about the columns of the `clients` view: their types, and what follows from the types.

A database describes its columns before it reads a client. The description decides how a column is written into a cell,
how values are compared with it, and whether it is refused (`checks.py`).
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from enum import Enum
from typing import Any, ClassVar, Protocol

from sqlalchemy import ColumnElement, TableClause, column, literal_column, table

from exports.request.fields import VIEW_COLUMNS, CellKind, column_kind

CLIENTS: TableClause = table("clients", *(column(name) for name in VIEW_COLUMNS))
"""The view. Its columns have no types here, so values arrive as the driver gives them."""

NULL: ColumnElement[Any] = literal_column("NULL")

Compare = Callable[[Any, Any], ColumnElement[bool]]
"""`operator.ge` or `operator.lt`, between SQL expressions."""


class CellForm(Enum):
    """What stands in a cell of free text, by the kind of the column's type. The same for every database.

    A fraction of a second has six digits, or is left out if it is zero.
    """

    UNKNOWN = "what the driver gives: the source did not describe the column"
    TEXT = "the text"
    BOOLEAN = "true or false"
    INTEGER = "digits"
    NUMERIC = "digits with the scale of the value, never an exponent"
    FLOAT = "the shortest number that reads back"
    DATE = "YYYY-MM-DD"
    TIME = "HH:MM:SS[.ffffff]"
    TIMESTAMP = "YYYY-MM-DD HH:MM:SS[.ffffff]"
    INSTANT = "YYYY-MM-DDTHH:MM:SS[.ffffff]Z, in UTC"
    INTERVAL = "as the database prints it"
    UUID = "lower case, with hyphens"
    ENUM = "the label"
    ARRAY = "the elements, joined by '; '; NULL is left out"
    JSON = "compact: no white space outside of strings"
    RANGE = "the bounds, as the database prints them"
    NETWORK = "the address, as the database prints it"


@dataclass(frozen=True)
class ViewColumn:
    """One column of the view, as the database describes it.

    Attributes:
        type_name: The type as an administrator writes it, such as `timestamp with time zone` or `varchar(9)`.
        form: What stands in a cell; None if values of this type cannot be written.
        key: How the dialect compares the column with text, in the type and the order of the column. None if it cannot:
            then the column cannot be `code` or `tenant`, and no filter can list its values.
        charset: The Python codec of the text that the column can hold; None if it can hold every text.
        finish: Changes each value that the driver gives, if SQL alone cannot make the cell.
        details: What else the dialect itself needs to know.
    """

    name: str
    type_name: str
    form: CellForm | None
    key: Any = None
    charset: str | None = None
    finish: Callable[[Any], Any] | None = None
    details: Any = None

    @property
    def kind(self) -> CellKind:
        """What the column's field wants: text, a boolean or a date."""
        return column_kind(self.name)


class ColumnSql(Protocol):
    """How a database writes and compares columns of the view. `SourceDialect` has the defaults.

    `moment_forms` are the forms of `updated_at` that it can compare with a moment; `padded_types` are the beginnings of
    the names of types whose values it gives with the spaces that fill them up. If it `compares_values`, it compares
    each value by its own type, whatever type the column has.
    """

    moment_forms: ClassVar[frozenset[CellForm]]
    padded_types: ClassVar[tuple[str, ...]]
    compares_values: ClassVar[bool]

    def cell(self, column: ViewColumn, kind: CellKind) -> ColumnElement[Any]: ...
    def key_bound(self, column: ViewColumn, name: str, text: str) -> ColumnElement[Any] | None: ...
    def of_tenant(
        self, column: ViewColumn, text: str, deleted: ColumnElement[Any] | None = None
    ) -> ColumnElement[bool]: ...
    def key_text(self, column: ViewColumn, value: Any) -> str: ...
    def matches_any(self, column: ViewColumn, texts: Sequence[str]) -> ColumnElement[bool]: ...
    def holds_any(
        self, column: ViewColumn, listed: ColumnElement[str], codes: Sequence[str]
    ) -> ColumnElement[bool]: ...
    def searched_text(self, column: ViewColumn) -> ColumnElement[str]: ...
    def storable(self, column: ViewColumn, text: str) -> bool: ...
    def updated_since(self, column: ViewColumn, moment: datetime) -> ColumnElement[bool]: ...
    def updated_until(self, column: ViewColumn, moment: datetime) -> ColumnElement[bool]: ...
    def compare_moment(
        self, column: ViewColumn, value: Any, name: str, compare: Compare, moment: datetime
    ) -> ColumnElement[bool]: ...
    def text_cast(self, column: ViewColumn) -> str: ...
    def day_cast(self, column: ViewColumn) -> str: ...
    def truth_cast(self, column: ViewColumn) -> str: ...
    def moment_cast(self, column: ViewColumn) -> str: ...


@dataclass(frozen=True)
class ClientView:
    """The view as one database has it now.

    Attributes:
        columns: The columns that the database described, by name.
        absent: Columns that were looked for, and that the view does not have. Their cells are empty.
    """

    sql: ColumnSql
    columns: Mapping[str, ViewColumn] = field(default_factory=dict)
    absent: frozenset[str] = frozenset()

    def column(self, name: str) -> ViewColumn:
        """Return the description of a column. One that is not described is read and compared as the driver does it."""
        return self.columns.get(name) or ViewColumn(name, "", CellForm.UNKNOWN, key=True)

    def cell(self, name: str) -> ColumnElement[Any]:
        """Return the SQL of a column's value as a renderer expects it: text, a boolean, an integer, a date or NULL."""
        if name in self.absent:
            return NULL
        column = self.column(name)
        return self.sql.cell(column, column.kind)
