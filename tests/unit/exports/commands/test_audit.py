"""The command `python -m exports audit`."""

from __future__ import annotations

import json
from datetime import timedelta
from typing import Any

import pytest

from exports import __main__ as commands
from exports.commands import audit
from exports.errors import StorageUnavailableError
from exports.jobs.audit import AuditAction, audit_entry
from exports.request.filters import ClientFilter
from tests.support.builders import NOON, a_job
from tests.support.fake_audit import MemoryAuditLog
from tests.support.steps import two_columns

COMMAND = ("audit", "--tenant", "tenant", "--day", "2026-01-31")


@pytest.fixture
def log(monkeypatch: pytest.MonkeyPatch) -> MemoryAuditLog:
    """The audit log that the command opens."""
    memory = MemoryAuditLog()
    monkeypatch.setattr(audit, "open_storage_log", lambda _: memory)
    return memory


def _lines(capsys: pytest.CaptureFixture[str]) -> list[dict[str, Any]]:
    return [json.loads(line) for line in capsys.readouterr().out.splitlines()]


def test_one_tenants_entries_of_a_day_are_printed_as_json_lines_oldest_first(
    log: MemoryAuditLog, capsys: pytest.CaptureFixture[str]
) -> None:
    job = a_job(tenant="tenant", code="code", spec=two_columns(), total_items=3, file_bytes=70)
    log.append(audit_entry(AuditAction.DOWNLOADED, "reader", job, NOON + timedelta(minutes=1)))
    log.append(audit_entry(AuditAction.STARTED, "writer", a_job(tenant="tenant", spec=two_columns()), NOON))
    log.append(audit_entry(AuditAction.STARTED, "writer", a_job(tenant="other"), NOON))
    log.append(audit_entry(AuditAction.CANCELLED, "writer", job, NOON + timedelta(days=1)))

    assert commands.main(COMMAND) == 0
    first, second = _lines(capsys)
    assert (first["action"], first["actor"], first["rows"]) == ("Started", "writer", None)
    assert second == {
        "tenant": "tenant",
        "moment": "2026-01-31T12:01:00.000Z",
        "action": "Downloaded",
        "actor": "reader",
        "code": "code",
        "fields": ["Code", "Name"],
        "filter": {},
        "rows": 3,
        "bytes": 70,
        "linkSource": None,
    }


def test_a_line_contains_no_line_break_and_no_search_text(
    log: MemoryAuditLog, capsys: pytest.CaptureFixture[str]
) -> None:
    spec = two_columns(filter=ClientFilter(search="Ada\nLovelace", manager_codes=("M\n1",)))
    log.append(audit_entry(AuditAction.STARTED, "writer", a_job(tenant="tenant", spec=spec), NOON))

    commands.main(COMMAND)
    (line,) = _lines(capsys)
    assert line["filter"] == {"search": "(given)", "managerCodes": ["M\n1"]}


def test_a_day_without_entries_prints_nothing(log: MemoryAuditLog, capsys: pytest.CaptureFixture[str]) -> None:
    assert commands.main(COMMAND) == 0
    assert capsys.readouterr().out == ""


@pytest.mark.parametrize("day", ["yesterday", "31.1.2026", "2026-02-30"])
def test_an_invalid_day_is_refused_with_an_example(day: str, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit, match="2"):
        commands.main([*COMMAND[:-1], day])
    assert "2026-01-31" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("storage", "reason"), [("", "set EXPORT_STORAGE"), ("AccountName=x;secret=1", "neither a connection string")]
)
def test_an_invalid_storage_setting_is_refused_without_showing_it(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], storage: str, reason: str
) -> None:
    monkeypatch.setenv("EXPORT_STORAGE", storage)
    assert commands.main(COMMAND) == 1
    message = capsys.readouterr().err
    assert reason in message
    assert "secret" not in message


def test_storage_that_does_not_answer_is_reported_in_one_line(
    log: MemoryAuditLog, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def fail(*_: object) -> None:
        raise StorageUnavailableError("Table Storage did not answer.")

    monkeypatch.setattr(log, "entries", fail)
    assert commands.main(COMMAND) == 1
    told = capsys.readouterr().err
    assert (told.startswith("Table Storage did not answer. Check that EXPORT_STORAGE"), told.count("\n")) == (True, 1)
