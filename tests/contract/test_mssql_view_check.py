"""The check of a view in Azure SQL ends within its five seconds, wherever the server falls silent."""

from __future__ import annotations

import json
import socket
import time
from typing import Any

import pytest

from exports.__main__ import main
from exports.request.fields import VIEW_COLUMNS
from tests.support.tds_process import TdsProcess
from tests.support.tds_server import Rules, Silence, Stall, Table
from tests.support.tsql_views import rules_for, view_of

_SECONDS = 8
"""Five, and some for a busy machine. An export waits for four minutes, and for ten seconds to connect."""

_FIRST = Table(["code"], [("C1",)])
_CLIENTS = Table(VIEW_COLUMNS, [(f"C{number:05d}",) * len(VIEW_COLUMNS) for number in range(100)])


def _check(url: str, capsys: pytest.CaptureFixture[str]) -> Any:
    started = time.monotonic()
    main(["view", "check", url, "--tenant", "northwind", "--json"])
    assert time.monotonic() - started < _SECONDS
    return json.loads(capsys.readouterr().out)


def _check_of(tds: TdsProcess, rules: Rules, capsys: pytest.CaptureFixture[str]) -> Any:
    with tds.database([*rules, *rules_for(view_of(), "C1")]) as server:
        return _check(server.url, capsys)


@pytest.mark.parametrize("words", ["@@version", "SET LANGUAGE", "dm_exec_describe_first_result_set"])
def test_azure_sql_that_does_not_describe_the_view_ends_the_check_in_five_seconds(
    tds: TdsProcess, words: str, capsys: pytest.CaptureFixture[str]
) -> None:
    (reason,) = _check_of(tds, [(words, Silence())], capsys)["reasons"]

    assert reason.startswith("The client database is busy: a lock, a limit or a time-out stopped the reading.")


@pytest.mark.usefixtures("tds")
def test_azure_sql_that_connects_in_silence_ends_the_check_in_five_seconds(
    capsys: pytest.CaptureFixture[str],
) -> None:
    with socket.create_server(("127.0.0.1", 0)) as silent:
        url = f"mssql://reader:secret@127.0.0.1:{silent.getsockname()[1]}/clients?Encrypt=no"
        (reason,) = _check(url, capsys)["reasons"]

    assert reason.startswith("The client database did not answer")


def test_a_view_of_azure_sql_that_never_answers_leaves_out_what_takes_longer(
    tds: TdsProcess, capsys: pytest.CaptureFixture[str]
) -> None:
    described: Rules = [("dm_exec_describe_first_result_set", view_of()), ("SELECT * ", Table(VIEW_COLUMNS))]
    answer = _check_of(tds, [*described, ("FROM clients", Silence())], capsys)

    assert (answer["usable"], answer["notes"]) == (
        True,
        [
            "Not found out within the time limit: how many clients northwind has.",
            "Not found out within the time limit: whether the tenant has clients.",
        ],
    )


def test_azure_sql_that_falls_silent_between_clients_leaves_out_the_speed(
    tds: TdsProcess, capsys: pytest.CaptureFixture[str]
) -> None:
    answer = _check_of(tds, [("CAST(clients.name", Stall(_CLIENTS)), ("SELECT TOP", _FIRST)], capsys)

    assert answer["sample"] is None
    assert "Not found out within the time limit: how many clients are read in a second." in answer["notes"]


@pytest.mark.parametrize(("is_on", "notes"), [(0, 1), (1, 0)])
def test_azure_sql_that_locks_rows_as_it_reads_them_is_noted(
    tds: TdsProcess, is_on: int, notes: int, capsys: pytest.CaptureFixture[str]
) -> None:
    rules: Rules = [("is_read_committed_snapshot_on", Table(["x"], [(is_on,)])), ("CAST(clients.name", _CLIENTS)]
    rules = [*rules, ("SELECT TOP", _FIRST)]
    found = [note for note in _check_of(tds, rules, capsys)["notes"] if "READ_COMMITTED_SNAPSHOT is off" in note]
    assert len(found) == notes
