"""The command `python -m exports remove-file`."""

from __future__ import annotations

import pytest

from exports import __main__ as commands
from exports.commands import remove_file as command
from exports.jobs.audit import AuditAction
from exports.steps.finalize.commit_file import commit_file
from tests.support.fakes import MemoryServices, a_services
from tests.support.steps import TENANT, a_planned_job, a_stored_job, some_clients, write_pages


@pytest.fixture
def services(monkeypatch: pytest.MonkeyPatch) -> MemoryServices:
    """The services that the command uses."""
    memory = a_services(some_clients(5))
    monkeypatch.setattr(command, "open_services", lambda _: memory)
    return memory


def _run(code: str) -> int:
    return commands.main(["remove-file", "--tenant", TENANT, "--code", code])


def test_the_command_removes_the_file_and_is_audited(
    services: MemoryServices, capsys: pytest.CaptureFixture[str]
) -> None:
    job = a_planned_job(services)
    commit_file(services, write_pages(services, job))
    assert _run(job.code) == 0
    assert services.files.read(job.file_path) is None
    assert capsys.readouterr().out == f"Removed {job.file_name}. No link opens it any more.\n"
    (entry,) = services.audit.all
    assert (entry.action, entry.actor, entry.code) == (AuditAction.FILE_REMOVED, "command", job.code)


def test_an_export_without_a_file_is_refused_in_one_line(
    services: MemoryServices, capsys: pytest.CaptureFixture[str]
) -> None:
    queued = a_stored_job(services)
    assert [_run(queued.code), _run("7" * 26)] == [1, 1]
    assert capsys.readouterr().err.splitlines() == [
        "This export is Queued; only a Completed one has a file.",
        f"The tenant {TENANT} has no export {'7' * 26}.",
    ]
