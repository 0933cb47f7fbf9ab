"""`python -m exports smoke` passes on a working system, says in one line what is wrong with another, and cleans up."""

from __future__ import annotations

import io
import json
from typing import Any, BinaryIO

import pytest

from exports.commands.smoke import checks
from exports.commands.smoke.report import Outcome, Result, table_row
from exports.commands.smoke.service import Answer, send
from tests.support.commands import Finished, run_command
from tests.support.system import HARBOUR, KEY, NO_CLIENTS, NORTHWIND, NORTHWIND_KEY, System

TESTED = ["health", "document", "key", "whole", "gzip", "small", "empty", "remove", "cleanup"]
EXPORTS = f"/tenants/{NORTHWIND}/clients/export/csv"


def smoke(url: str, *arguments: str, key: str = NORTHWIND_KEY) -> Finished:
    return run_command("smoke", url, "--key", key, "--wait", "120", *arguments)


def results(finished: Finished) -> dict[str, Any]:
    return {check["name"]: check for check in json.loads(finished.out)["checks"]}


def failed_lines(finished: Finished) -> list[str]:
    return [line for line in finished.out.splitlines() if line.startswith("  ✗")]


def test_a_working_system_passes_every_check_that_can_be_done(system: System) -> None:
    done = smoke(system.url, "--quick", "--json")
    assert done.code == 0, done.out
    found = {name: result["outcome"] for name, result in results(done).items()}
    assert found.pop("webhook") == "skipped"
    assert found.pop("cancel") in {"passed", "skipped"}, "an export may end before it can be cancelled"
    assert found == dict.fromkeys(TESTED, "passed")


def test_the_smoke_test_leaves_no_file_and_no_running_export(system: System) -> None:
    smoke(system.url, "--quick")
    made = system.call("GET", f"{EXPORTS}?limit=6").json["data"]
    assert {job["status"] for job in made} <= {"Completed", "Cancelled"}
    assert {job.get("fileStatus") for job in made if job["status"] == "Completed"} == {"Removed"}


def test_a_table_for_people_shows_each_check_and_a_verdict(system: System) -> None:
    done = smoke(system.url, "--quick")
    lines = done.out.splitlines()
    assert [line.split()[1] for line in lines if line.startswith("  ")][:3] == ["health", "document", "key"]
    assert lines[-1].startswith(f"{system.url} works: ")
    assert failed_lines(done) == []


def test_a_tenant_without_clients_passes_with_a_remark(system: System) -> None:
    found = results(smoke(system.url, "--quick", "--json", "--tenant", NO_CLIENTS, key=KEY))
    assert found["whole"]["outcome"] == "passed"
    assert "has no clients" in found["small"]["detail"]


@pytest.mark.thorough
@pytest.mark.slow
def test_a_schedule_of_the_smoke_test_runs_and_is_deleted(system: System) -> None:
    done = smoke(system.url, "--json", "--tenant", HARBOUR, key=KEY)
    assert results(done)["schedule"]["outcome"] == "passed", done.out
    names = [each["name"] for each in system.call("GET", f"/tenants/{HARBOUR}/clients/export/schedules").json["data"]]
    assert [name for name in names if name.startswith("smoke")] == []


def test_a_wrong_key_fails_in_one_line_and_nothing_else_is_tried(system: System) -> None:
    done = smoke(system.url, "--quick", key=f"cx_wrongkey00000_{'w' * 43}")
    assert done.code == 1
    (line,) = failed_lines(done)
    assert "key" in line
    assert "The service refuses the key: 401" in line
    assert done.out.splitlines()[-1].startswith(f"{system.url} does not work as promised: 1 failed")


def test_a_key_of_several_tenants_needs_the_name_of_one(system: System) -> None:
    (line,) = failed_lines(smoke(system.url, "--quick", key=KEY))
    assert "tenant" in line


def test_a_service_that_does_not_answer_fails_in_one_line() -> None:
    done = smoke("http://127.0.0.1:9", "--quick")
    (line,) = failed_lines(done)
    assert "http://127.0.0.1:9/health does not answer" in line
    assert done.code == 1


def test_a_page_that_is_not_the_service_is_named_as_such(system: System) -> None:
    (line,) = failed_lines(smoke(f"{system.url}/docs", "--quick"))
    assert "is this the address of the service?" in line


def test_a_file_with_one_changed_byte_fails(system: System, monkeypatch: pytest.MonkeyPatch) -> None:
    def damaged(method: str, url: str, target: BinaryIO | None = None) -> Answer:
        if target is None:
            return send(method, url)
        whole = io.BytesIO()
        answer = send(method, url, target=whole)
        body = bytearray(whole.getvalue())
        body[-3] ^= 1
        target.write(body)
        return answer

    monkeypatch.setattr(checks, "send", damaged)
    done = smoke(system.url, "--quick")
    (line,) = failed_lines(done)
    assert " whole " in line
    assert done.code == 1


@pytest.mark.parametrize("url", ["", "example.com", "ftp://example.com", "https://example.com/?a=b"])
def test_an_address_that_is_none_is_refused(url: str) -> None:
    done = smoke(url)
    assert done.code == 1
    assert "is not the address of a service" in done.err


def test_a_missing_key_is_refused() -> None:
    done = run_command("smoke", "https://example.com", EXPORT_SMOKE_KEY="")
    assert done.code == 1
    assert "Give an API key with --key or EXPORT_SMOKE_KEY." in done.err


def test_the_key_can_come_from_the_environment(system: System) -> None:
    done = run_command("smoke", f"{system.url}/docs", "--quick", EXPORT_SMOKE_KEY=NORTHWIND_KEY)
    assert "is this the address of the service?" in done.out


def test_a_row_has_colours_only_where_they_are_wanted() -> None:
    result = Result("key", Outcome.FAILED, "Refused.", 0.25)
    assert table_row(result, colours=False) == "  ✗ key          0.2 s  Refused."
    assert table_row(result, colours=True).startswith("  \x1b[31m✗\x1b[0m key ")
