"""Through the service: sources that change or end sessions, clients that come twice, moments in every form."""

from __future__ import annotations

import shutil
import time

import pytest

from tests.sources.service import Service, columns
from tests.support.system import download

CLIENTS = 3_000


def only(dialect: str) -> pytest.MarkDecorator:
    """Run a test on one kind of database."""
    return pytest.mark.parametrize("service", [dialect], indirect=True)


@pytest.mark.parametrize("code", ["'A2'", "NULL"])
def test_a_client_that_comes_twice_or_has_no_code_fails_job_and_estimate(service: Service, code: str) -> None:
    service.keep("code varchar(9)", "'A1'", "'A2'", code)
    service.view()

    answers = service.refusal(columns("Name"))

    words = "It is A2." if code == "'A2'" else "A client has no code"
    assert words in answers.failure["message"]
    assert words in answers.problem["detail"]
    assert (answers.failure["code"], answers.failure["retryable"]) == ("source-mismatch", False)


@only("postgresql")
def test_sessions_that_postgresql_ends_during_a_job_cost_tries_and_no_client(service: Service) -> None:
    service.keep_many("code int PRIMARY KEY, name varchar(30)", "g", CLIENTS)
    service.view(name="name")
    location = service.system.start_async(columns("Code", "Name"))
    ended = 0
    for _ in range(5):
        ended += service.end_sessions()
        time.sleep(0.1)

    job = service.system.wait(location)

    assert ended
    assert (job["status"], job["totalItems"]) == ("Completed", CLIENTS)
    codes = [line.split(b",")[0] for line in download(job).splitlines()[1:]]
    assert codes == [b"%d" % number for number in range(1, CLIENTS + 1)]


@only("sqlite")
def test_a_replaced_sqlite_file_is_exported_from_the_next_request_on(service: Service) -> None:
    service.keep("code varchar(9), name varchar(9)", "'A1', 'old'")
    service.view(name="name")
    assert service.file(columns("Code", "Name")) == b"Code,Name\r\nA1,old\r\n"
    current, newer = service.path, service.path.with_name("newer.sqlite")
    shutil.copyfile(current, service.path.with_name("yesterday.sqlite"))
    service.run("UPDATE kept SET name = 'NEW'", "INSERT INTO kept VALUES ('A2', 'NEW')")
    current.rename(newer)
    service.path.with_name("yesterday.sqlite").rename(current)
    assert service.file(columns("Code", "Name")) == b"Code,Name\r\nA1,old\r\n"

    newer.replace(current)

    assert service.estimate(columns("Code")).json["rows"] == 2
    assert service.file(columns("Code", "Name")) == b"Code,Name\r\nA1,NEW\r\nA2,NEW\r\n"


@only("sqlite")
def test_updated_since_compares_moments_whatever_text_or_number_keeps_them(service: Service) -> None:
    service.keep(
        "code varchar(9), moment",
        "'before, at +01:00', '2026-06-01T00:30:00+01:00'",
        "'before, with a Z', '2026-05-31T23:59:59.999Z'",
        "'since, as text', '2026-06-01 00:00:00'",
        "'since, as a day', '2026-06-01'",
        "'since, seconds', 1780272000",
        "'since, at -01:00', '2026-05-31T23:00:00-01:00'",
    )
    service.view(updated_at="moment")
    body = columns("Code") | {"filter": {"updatedSince": "2026-06-01T00:00:00Z"}}

    found = service.file(body).decode().splitlines()[1:]
    service.run("INSERT INTO kept VALUES ('C1', 'yesterday')")
    message = service.refusal(body).failure["message"]

    assert [line.strip('"') for line in found] == [
        *("since, as a day", "since, as text", "since, at -01:00", "since, seconds"),
    ]
    assert "updated_at" in message
    assert "code C1" in message
