"""The checks for leaks in responses and logs find leaks."""

from __future__ import annotations

import json
import sqlite3
from contextlib import closing
from pathlib import Path

import pytest

from tests.support.http_client import Response
from tests.support.leaks import assert_shows_nothing_internal, leaks_in_log, secrets_of
from tests.support.system import KEY

PROBLEM = {"content-type": "application/problem+json"}
SETTINGS = {
    "EXPORT_STORAGE": "AccountName=a;AccountKey=c2VjcmV0IGtleQ==;BlobEndpoint=http://127.0.0.1",
    "EXPORT_WEBHOOK_SECRET": "first-secret second-secret",
}


@pytest.fixture
def database_url(tmp_path: Path) -> str:
    """A database of one client that has a value for each kind of text that the check searches for."""
    path = tmp_path / "clients.sqlite"
    columns = (
        "email, contact_email, ni_number, vat_number, company_number, paye_ref, company_utr,"
        " name, contact_name, registered_address_line1, contact_phone"
    )
    cells = ("ann@lee.example", None, "QQ123456C", *[None] * 4, "Lee & Daughters", "Ann Lee-Hara", None, None)
    with closing(sqlite3.connect(path)) as connection, connection:
        connection.execute(f"CREATE TABLE client_records ({columns})")
        connection.execute(f"INSERT INTO client_records VALUES ({', '.join('?' * len(cells))})", cells)
    connection.close()
    return f"sqlite:///{path}"


@pytest.mark.parametrize(
    "line",
    [
        f"x-api-key: {KEY}",
        "GET /exports/a.csv?sp=r&sig=abc",
        "AccountKey=c2VjcmV0IGtleQ==;",
        "secret=second-secret",
        "reason='QQ123456C'",
        "to <ann@lee.example>",
        "The client Lee & Daughters could not be written",
    ],
)
def test_a_secret_or_a_client_in_a_log_is_found(database_url: str, line: str) -> None:
    assert leaks_in_log(f"event=a\n{line}\nevent=b", secrets_of(SETTINGS), database_url)


def test_an_ordinary_log_has_no_leaks(database_url: str) -> None:
    log = "event=job.started tenant=northwind job=7ybqttn9kg0pf1x6vfw644k23d columns=67"
    assert leaks_in_log(log, secrets_of(SETTINGS), database_url) == []


@pytest.mark.parametrize(
    "detail",
    [
        "Traceback (most recent call last)",
        "KeyError: 'spec'",
        "(psycopg.errors.UndefinedTable) relation",
        "SELECT code FROM clients",
        "cannot open /tmp/clients.db",
        "http://127.0.0.1/devstoreaccount1/exports/a.csv",
    ],
)
def test_a_response_that_shows_internals_of_the_service_is_found(detail: str) -> None:
    for body, status, headers in (
        ({"detail": detail}, 500, PROBLEM),
        ({"status": "Failed", "failure": {"message": detail}}, 200, {"content-type": "application/json"}),
    ):
        with pytest.raises(AssertionError):
            assert_shows_nothing_internal(Response(status, headers, json.dumps(body).encode()))


def test_a_response_may_repeat_the_path_and_contain_a_link() -> None:
    refusal = {"detail": "There is no such job.", "instance": "/admin.py"}
    assert_shows_nothing_internal(Response(404, PROBLEM, json.dumps(refusal).encode()))
    job = {"downloadUrl": "https://a.blob.core.windows.net/a?sig=b", "failure": None}
    assert_shows_nothing_internal(Response(200, {"content-type": "application/json"}, json.dumps(job).encode()))
