"""SQL expressions that databases write in different ways.

The module of a dialect registers its own way: by SQLAlchemy's `@compiles`, and by `bind_moments`.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import UTC, datetime
from typing import Any

from sqlalchemy import Boolean, ColumnElement, DateTime, Dialect, Integer, String, case, false, literal_column
from sqlalchemy.ext.compiler import compiles
from sqlalchemy.sql.compiler import SQLCompiler
from sqlalchemy.sql.functions import FunctionElement
from sqlalchemy.types import TypeDecorator, TypeEngine, UserDefinedType

CODE_SEPARATOR = literal_column("';'", String())
"""Separates the codes in the column `service_codes`."""


class NamedType(UserDefinedType[Any]):
    """A type of the database, by its name in SQL."""

    cache_ok = True

    def __init__(self, name: str) -> None:
        self.name = name

    def get_col_spec(self, **_options: Any) -> str:
        """Return the name."""
        return self.name


def any_of(conditions: Sequence[ColumnElement[bool]]) -> ColumnElement[bool]:
    """Return a condition that holds if one of the conditions does.

    Unlike `or_` it does not nest: SQLite refuses a chain of a thousand ORs as too deep.
    """
    if not conditions:
        return false()
    one = literal_column("1", Integer())
    return case(*((condition, one) for condition in conditions), else_=literal_column("0")) == one


class Position(FunctionElement[int]):
    """The position of the second text in the first, counted from 1; 0 if the first does not hold the second.

    Unlike LIKE, the function of the database must know no wildcard characters.
    """

    inherit_cache = True


@compiles(Position)
def _compile_position(element: Position, compiler: SQLCompiler, **options: Any) -> str:
    text, wanted = (compiler.process(part, **options) for part in element.clauses)
    return f"instr({text}, {wanted})"


class HasAnyCode(FunctionElement[bool]):
    """Whether the first text, codes each between separators, holds one of the other texts.

    A database without a way of its own searches for one code after the other.
    """

    type = Boolean()
    inherit_cache = True


@compiles(HasAnyCode)
def _compile_has_any_code(element: HasAnyCode, compiler: SQLCompiler, **options: Any) -> str:
    listed, *codes = element.clauses
    positions = (Position(listed, CODE_SEPARATOR.concat(code).concat(CODE_SEPARATOR)) for code in codes)
    return compiler.process(any_of([position > literal_column("0") for position in positions]), **options)


BindMoment = Callable[[datetime], Any]
_MOMENTS: dict[str, tuple[TypeEngine[Any], BindMoment]] = {}


def bind_moments(dialect_name: str, compared_as: TypeEngine[Any], bind: BindMoment) -> None:
    """Choose how a database compares moments: the type, and what the driver must pass on.

    A database without a choice compares date-times in UTC without a zone.
    """
    _MOMENTS[dialect_name] = (compared_as, bind)


def _without_zone(moment: datetime) -> datetime:
    return moment.astimezone(UTC).replace(tzinfo=None)


_DEFAULT_MOMENTS: tuple[TypeEngine[Any], BindMoment] = (DateTime(), _without_zone)


class Instant(TypeDecorator[datetime]):
    """A moment, bound in the type in which the database compares moments."""

    impl = DateTime
    cache_ok = True

    def load_dialect_impl(self, dialect: Dialect) -> TypeEngine[Any]:
        """Return the type of the dialect."""
        return dialect.type_descriptor(_MOMENTS.get(dialect.name, _DEFAULT_MOMENTS)[0])

    def process_bind_param(self, value: datetime | None, dialect: Dialect) -> Any:
        """Return the value as the dialect binds it."""
        return None if value is None else _MOMENTS.get(dialect.name, _DEFAULT_MOMENTS)[1](value)
