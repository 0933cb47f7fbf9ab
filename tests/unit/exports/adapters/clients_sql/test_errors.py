"""Errors of drivers become errors of an export, by their codes."""

from __future__ import annotations

import sqlite3
import traceback

import pytest
from sqlalchemy import exc

from exports.adapters.clients_sql.dialects.registry import dialect_named
from exports.adapters.clients_sql.errors import RedactedDriverError, source_errors
from exports.adapters.clients_sql.sql.translations import MissingColumnError, UnreadableValueError
from exports.errors import (
    ExportError,
    SourceMismatchError,
    SourceRefusedError,
    SourceThrottledError,
    SourceUnavailableError,
)

SECRETS = ("SELECT", "db.internal", "/srv/clients", "hunter2")


class DriverError(Exception):
    """The error of some driver: PEP 249 fixes no common base class, so any class may carry a code."""

    def __init__(self, *args: object, sqlstate: str | None = None) -> None:
        super().__init__(*args)
        self.sqlstate = sqlstate


class OperationalError(DriverError):
    """The class that PEP 249 names for errors that are not the fault of the program."""


def reported(original: Exception, database: str = "postgresql") -> ExportError:
    """Return the export's error when the driver of a database raises `original` somewhere in SQLAlchemy."""
    with pytest.raises(ExportError) as caught, source_errors(dialect_named(database)):
        raise exc.DBAPIError("SELECT password FROM clients", {"p": "hunter2"}, original)
    return caught.value


@pytest.mark.parametrize(
    ("state", "expected"),
    [
        ("08006", SourceUnavailableError),
        ("57014", SourceUnavailableError),
        ("57P01", SourceUnavailableError),
        ("53300", SourceThrottledError),
        ("53400", SourceThrottledError),
        ("57P03", SourceThrottledError),
        ("40001", SourceUnavailableError),
        ("55P03", SourceUnavailableError),
        ("28P01", SourceRefusedError),
        ("28000", SourceRefusedError),
        ("3D000", SourceRefusedError),
        ("42501", SourceRefusedError),
        ("42601", SourceRefusedError),
        ("42P01", SourceMismatchError),
        ("42703", MissingColumnError),
        ("42883", SourceMismatchError),
        ("22P02", UnreadableValueError),
        ("25P03", SourceUnavailableError),
    ],
)
def test_the_sqlstate_of_postgresql_selects_the_error(state: str, expected: type[ExportError]) -> None:
    original = DriverError("relation /srv/clients on db.internal", sqlstate=state)

    assert type(reported(original)) is expected


@pytest.mark.parametrize(
    ("state", "expected"),
    [
        ("08S01", SourceUnavailableError),
        ("HYT00", SourceUnavailableError),
        ("28000", SourceRefusedError),
        ("42000", SourceRefusedError),
        ("42S02", SourceMismatchError),
        ("42S22", MissingColumnError),
    ],
)
@pytest.mark.parametrize("database", ["mssql", "informix"])
def test_the_sqlstate_of_odbc_selects_the_error(database: str, state: str, expected: type[ExportError]) -> None:
    original = DriverError(state, "[Microsoft] db.internal")

    assert type(reported(original, database)) is expected


@pytest.mark.parametrize(
    ("number", "expected"),
    [
        (2003, SourceUnavailableError),
        (1040, SourceThrottledError),
        (1203, SourceThrottledError),
        (1226, SourceThrottledError),
        (2013, SourceUnavailableError),
        (1205, SourceUnavailableError),
        (1045, SourceRefusedError),
        (1064, SourceRefusedError),
        (1792, SourceRefusedError),
        (9999, SourceRefusedError),
        (1146, SourceMismatchError),
        (1054, MissingColumnError),
    ],
)
@pytest.mark.parametrize("database", ["mysql", "mariadb"])
def test_the_error_number_of_mysql_selects_the_error(database: str, number: int, expected: type[ExportError]) -> None:
    bare = DriverError(number, "'app'@'db.internal'")
    with_state = OperationalError(number, "'app'@'db.internal'", sqlstate="HY000")

    assert type(reported(bare, database)) is expected
    assert type(reported(with_state, database)) is expected


@pytest.mark.parametrize("number", [10928, 10929, 40501, 49918, 49919, 49920])
def test_error_numbers_show_that_azure_sql_throttles_with_any_driver(number: int) -> None:
    odbc = f"[42000] [Microsoft][ODBC Driver 18 for SQL Server][SQL Server]Resource ID : 1. ({number}) (SQLExecDirectW)"

    assert type(reported(DriverError("42000", odbc), "mssql")) is SourceThrottledError
    assert type(reported(DriverError(number, b"The service is busy."), "mssql")) is SourceThrottledError


def test_other_numbers_in_a_message_of_sql_server_do_not_mean_throttling() -> None:
    odbc = (
        "[42000] [Microsoft][ODBC Driver 18 for SQL Server][SQL Server]Order 40501 of 49918. (40510) (SQLExecDirectW)"
    )

    assert type(reported(DriverError("42000", odbc), "mssql")) is SourceRefusedError


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ('connection to server at "db.internal" failed: Connection refused', SourceUnavailableError),
        ('FATAL: password authentication failed for user "app"', SourceRefusedError),
        ('FATAL: role "app" does not exist', SourceRefusedError),
        ("something in another language", SourceUnavailableError),
        ("FATAL: sorry, too many clients already", SourceThrottledError),
        ("FATAL: remaining connection slots are reserved for roles with SUPERUSER", SourceThrottledError),
        ("FATAL: the database system is starting up", SourceThrottledError),
        ("FATAL: no more connections allowed (max_client_conn)", SourceThrottledError),
    ],
)
def test_a_failure_to_connect_can_be_retried_unless_the_login_was_refused(
    text: str, expected: type[ExportError]
) -> None:
    assert type(reported(OperationalError(text))) is expected


def test_an_exhausted_connection_pool_counts_as_throttling() -> None:
    with pytest.raises(SourceThrottledError), source_errors(dialect_named("postgresql")):
        raise exc.TimeoutError("QueuePool limit of size 5 overflow 10 reached")


def test_a_driver_that_is_not_installed_is_refused() -> None:
    with pytest.raises(SourceRefusedError, match="driver"), source_errors(dialect_named("postgresql")):
        raise ModuleNotFoundError("No module named 'pyodbc'")


@pytest.mark.parametrize("state", ["08006", "28P01", "42P01", "42601", "22P02", "57014", None])
def test_messages_reveal_no_internals_and_a_redacted_error_is_chained(state: str | None) -> None:
    original = OperationalError("SELECT on db.internal at /srv/clients with hunter2", sqlstate=state)

    error = reported(original)

    assert not [secret for secret in SECRETS if secret in str(error)]
    assert isinstance(error.__cause__, RedactedDriverError)


@pytest.mark.parametrize(
    ("database", "original"),
    [
        (
            "postgresql",
            DriverError('invalid input syntax for type date: "Ann "O\'Hara\' Lee"\nDETAIL: Ann', sqlstate="22007"),
        ),
        (
            "mssql",
            DriverError("Conversion failed when converting the varchar value 'Ann' to int", sqlstate="22018"),
        ),
        ("mysql", DriverError(1292, "Incorrect datetime value: 'Ann' for column")),
        ("sqlite", sqlite3.OperationalError('malformed JSON: "Ann"')),
    ],
)
def test_a_driver_error_that_may_quote_a_client_is_chained_without_its_text(database: str, original: Exception) -> None:
    error = reported(original, database)
    log = "".join(traceback.format_exception(error))
    assert "Ann" not in log
    assert type(original).__name__ in log


def test_what_a_driver_says_of_the_connection_is_chained() -> None:
    original = OperationalError('connection to server at "10.0.0.1" failed')
    log = "".join(traceback.format_exception(reported(original)))
    assert "10.0.0.1" in log
