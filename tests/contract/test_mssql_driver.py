"""The real driver of SQL Server reports faults, and each becomes the error of an export that says what to do."""

from __future__ import annotations

import time
from contextlib import closing

import pytest
from sqlalchemy import make_url

from exports.adapters.clients_sql.dialects.base import CONNECT_TIMEOUT_SECONDS
from exports.adapters.clients_sql.dialects.registry import dialect_named
from exports.adapters.clients_sql.source import SqlClientSource
from exports.errors import (
    ExportError,
    SourceMismatchError,
    SourceRefusedError,
    SourceThrottledError,
    SourceUnavailableError,
)
from exports.request.fields import VIEW_COLUMNS
from tests.support.tds_process import TdsProcess
from tests.support.tds_requests import Login
from tests.support.tds_server import ServerError

_FAULTS = [
    (18456, "Login failed for user 'reader'.", SourceRefusedError),
    (40615, "Cannot open server 's' requested by the login. Client is not allowed.", SourceRefusedError),
    (4060, 'Cannot open database "clients" requested by the login. The login failed.', SourceUnavailableError),
    (40197, "The service has encountered an error processing your request.", SourceUnavailableError),
    (40613, "Database 'c' on server 's' is not currently available.", SourceUnavailableError),
    (40501, "The service is currently busy. Retry the request after 10 seconds.", SourceThrottledError),
    (10928, "Resource ID: 1. The request limit for the database is 90 and has been reached.", SourceThrottledError),
    (49918, "Cannot process request. Not enough resources to process request.", SourceThrottledError),
]  # fmt: skip
_STATEMENT_FAULTS = [
    (1205, "Transaction (Process ID 7) was deadlocked on lock resources.", SourceUnavailableError),
    (1222, "Lock request time out period exceeded.", SourceUnavailableError),
    (229, "The SELECT permission was denied on the object 'clients'.", SourceRefusedError),
    (208, "Invalid object name 'clients'.", SourceMismatchError),
    (208, "Invalid object name 'OPENJSON'.", SourceRefusedError),
    (102, "Incorrect syntax near '$'.", SourceRefusedError),
    (319, "Incorrect syntax near the keyword 'with'. If this statement is a …", SourceRefusedError),
]


def _fault(url: str) -> ExportError:
    with closing(SqlClientSource(url)) as source, pytest.raises(ExportError) as caught:
        source.missing_columns(VIEW_COLUMNS)
    assert "secret" not in str(caught.value)
    return caught.value


@pytest.mark.parametrize(("number", "message", "expected"), _FAULTS, ids=[str(fault[0]) for fault in _FAULTS])
def test_a_refused_login_to_azure_sql_is_retried_only_if_that_can_help(
    tds: TdsProcess, number: int, message: str, expected: type[ExportError]
) -> None:
    with tds.database(login_error=ServerError(number, message, 14)) as server:
        assert type(_fault(server.url)) is expected


@pytest.mark.parametrize(
    ("number", "message", "expected"), _STATEMENT_FAULTS, ids=[fault[1][:40] for fault in _STATEMENT_FAULTS]
)
def test_a_statement_that_fails_on_azure_sql_is_retried_only_if_that_can_help(
    tds: TdsProcess, number: int, message: str, expected: type[ExportError]
) -> None:
    with tds.database([("FROM clients", ServerError(number, message))]) as server:
        assert type(_fault(server.url)) is expected


@pytest.mark.parametrize(
    ("address", "sentence"), [("127.0.0.1:1", "nothing accepts connections"), ("no-such-host.invalid", "is unknown")]
)
@pytest.mark.usefixtures("tds")
def test_a_missing_server_of_azure_sql_is_reported_at_once(address: str, sentence: str) -> None:
    started = time.monotonic()
    assert sentence in str(_fault(f"mssql://reader:secret@{address}/clients"))
    assert time.monotonic() - started < CONNECT_TIMEOUT_SECONDS


@pytest.mark.parametrize(
    "text",
    [
        *("p;PWD=other", "a}b", "{braces}", "}}", "{", "a=b", "it's", '"quoted"', " blanks ", "{a;b}", "tab\there"),
        *("Größe", "日本", "50%", "a+b", "a@b/c:d?e#f", "\\back", "Encrypt=yes;", "!*()[],", "-- no comment"),
    ],
)
def test_any_characters_of_a_user_and_a_password_reach_azure_sql_unchanged(tds: TdsProcess, text: str) -> None:
    with tds.database() as server:
        url = make_url(server.url).set(username=f"u{text}", password=text, database=f"d{text.strip()}")
        with closing(SqlClientSource(url.render_as_string(hide_password=False))) as source:
            source.generation()
        (login, *_) = server.seen().logins
    assert login == Login(f"u{text}", text, f"d{text.strip()}")


def test_a_url_of_azure_sql_with_an_unknown_parameter_is_refused_without_quoting_it() -> None:
    with pytest.raises(SourceRefusedError, match="does not take") as caught:
        dialect_named("mssql").reading_url(make_url("mssql://reader:p@host/clients?hunter2=1"))
    assert "hunter2" not in str(caught.value)
