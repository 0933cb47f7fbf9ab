"""Turn the errors of SQLAlchemy and of database drivers into the errors of an export.

Drivers share no exception classes. So the code that an error carries decides, and each dialect knows the codes of its
own database (`SourceDialect.translate`). An error without a known code is judged by its class name and its message.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import contextmanager

from sqlalchemy.exc import ArgumentError, DBAPIError, NoSuchModuleError, SQLAlchemyError, TimeoutError  # noqa: A004

from exports.adapters.clients_sql.dialects.base import SourceDialect
from exports.adapters.clients_sql.sql.address import DatabaseAddress
from exports.adapters.clients_sql.sql.translations import (
    DRIVER,
    NO_ANSWER,
    NOT_LOADED,
    STATEMENT,
    THROTTLED,
    VALUE,
    Translation,
)

_LIBRARY = re.compile(r"(?:.*/)?(?P<name>lib[\w.+-]+): ")


class RedactedDriverError(Exception):
    """Stands in a log for a driver's error: its class, its code, and its text if no client can be in that.

    Databases quote values that they cannot read, and a function in the view may raise any text with any code.
    """


@contextmanager
def source_errors(dialect: SourceDialect, address: DatabaseAddress | None = None) -> Iterator[None]:
    """Raise the matching error of `exports.errors` in place of an error of SQLAlchemy or of a driver.

    A redacted form of a driver's error is chained for the log. If the database was not reached, the error holds the
    address for operators, and so does the log.
    """
    try:
        yield
    except (SQLAlchemyError, ImportError, UnicodeError) as error:
        where = address or DatabaseAddress()
        translation = dialect.explain_failure(_translate(error, dialect), where)
        found = translation.kind(translation.message)
        if not translation.is_reached and (operator := where.explain(translation.advice)):
            found.operator = operator
            found.add_note(operator)
        raise found from _for_log(error, dialect, where)


def _for_log(error: Exception, dialect: SourceDialect, where: DatabaseAddress) -> Exception:
    """Redact the error of a driver, and every error if a part of the password may be in it."""
    is_ours = isinstance(error, ArgumentError | NoSuchModuleError | ImportError | TimeoutError)
    if is_ours and not where.is_doubtful:
        return error
    original = _driver_error(error)
    said = "" if where.is_doubtful else dialect.text_without_clients(original)
    code = dialect.error_code(original)
    return RedactedDriverError(f"{type(original).__name__}{code and f' {code}'}: {said or '…'}")


def _translate(error: Exception, dialect: SourceDialect) -> Translation:
    if isinstance(error, ArgumentError | NoSuchModuleError | ModuleNotFoundError):
        return DRIVER
    if isinstance(error, ImportError):
        return _not_loaded(error)
    if isinstance(error, TimeoutError):
        return THROTTLED  # our own connection pool is exhausted, which fewer pages at once cure
    if isinstance(error, UnicodeError):
        return VALUE  # the database sent bytes that are not text
    original = _driver_error(error)
    return dialect.translate(original) or _translate_by_class(original, dialect)


def _not_loaded(error: ImportError) -> Translation:
    """Name the library that the dynamic loader of Linux did not find: `libpq.so.5: cannot open shared object file`."""
    found = _LIBRARY.match(str(error))
    if found is None:
        return NOT_LOADED
    return NOT_LOADED._replace(
        message="The driver of the client database cannot be loaded, because this machine lacks "
        f"{found['name']} or has another version of it. Install the library and start the service again."
    )


def _driver_error(error: Exception) -> BaseException | None:
    return error.orig if isinstance(error, DBAPIError) else error


def _translate_by_class(original: BaseException | None, dialect: SourceDialect) -> Translation:
    """Judge an error without a known code. PEP 249 fixes the names of the classes, but no common base class."""
    names = {kind.__name__ for kind in type(original).__mro__}
    if "DataError" in names:
        return VALUE
    if "OperationalError" not in names and "InterfaceError" not in names:
        return STATEMENT
    message = str(original)
    known = (translation for words, translation in dialect.connect_messages.items() if words in message)
    return next(known, NO_ANSWER)
