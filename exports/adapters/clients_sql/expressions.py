"""SQL expressions that each dialect writes in its own way."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import Boolean, ColumnElement, DateTime, Dialect, Integer, String, case, false, literal_column
from sqlalchemy.ext.compiler import compiles
from sqlalchemy.sql.compiler import SQLCompiler
from sqlalchemy.sql.functions import FunctionElement
from sqlalchemy.types import TypeDecorator, TypeEngine

from exports.adapters.clients_sql.dialects.registry import dialect_named

CODE_SEPARATOR = literal_column("';'", String())
"""Separates the codes in the column `service_codes`."""


def any_of(conditions: Sequence[ColumnElement[bool]]) -> ColumnElement[bool]:
    """Return a condition that holds if one of the conditions does.

    Unlike `or_` it does not nest: SQLite refuses a chain of a thousand ORs as too deep.
    """
    if not conditions:
        return false()
    one = literal_column("1", Integer())
    return case(*((condition, one) for condition in conditions), else_=literal_column("0")) == one


class Position(FunctionElement[int]):
    """The position of the second text in the first, counted from 1; 0 if the first does not hold the second."""

    inherit_cache = True


@compiles(Position)
def _compile_position(element: Position, compiler: SQLCompiler, **options: Any) -> str:
    text, wanted = (compiler.process(part, **options) for part in element.clauses)
    return dialect_named(compiler.dialect.name).position(text, wanted)


class HasAnyCode(FunctionElement[bool]):
    """Whether the first text, codes each between separators, holds one of the other texts."""

    type = Boolean()
    inherit_cache = True


@compiles(HasAnyCode)
def _compile_has_any_code(element: HasAnyCode, compiler: SQLCompiler, **options: Any) -> str:
    listed, *codes = element.clauses
    compiled = (compiler.process(code, **options) for code in codes)  # a dialect without an expression compiles none
    expression = dialect_named(compiler.dialect.name).has_any_code(compiler.process(listed, **options), compiled)
    if expression is not None:
        return expression
    positions = (Position(listed, CODE_SEPARATOR.concat(code).concat(CODE_SEPARATOR)) for code in codes)
    return compiler.process(any_of([position > literal_column("0") for position in positions]), **options)


class Instant(TypeDecorator[datetime]):
    """A moment, bound in the type in which the database compares moments."""

    impl = DateTime
    cache_ok = True

    def load_dialect_impl(self, dialect: Dialect) -> TypeEngine[Any]:
        """Return the type of the dialect."""
        return dialect.type_descriptor(dialect_named(dialect.name).moment_type)

    def process_bind_param(self, value: datetime | None, dialect: Dialect) -> Any:
        """Return the value as the dialect binds it."""
        return None if value is None else dialect_named(dialect.name).bind_moment(value)
