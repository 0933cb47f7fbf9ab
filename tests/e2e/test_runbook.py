"""Every command that needs no Azure does what `runbook.md`, `deploy.md` and `webhooks.md` say, in their order.

The smoke test with a webhook runs on the same system, which allows receivers on this machine."""

from __future__ import annotations

import json
import re
import shlex
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

import pytest

from tests.e2e.test_smoke import results, smoke
from tests.support.commands import run_command
from tests.support.curl import run_curl
from tests.support.documented import ROOT, blocks_to_run
from tests.support.receiver import Receiver, a_receiver
from tests.support.system import NORTHWIND, NORTHWIND_KEY, System, code_of, running_system

SETTINGS = {
    "EXPORT_WEBHOOK_SECRET": "a-secret-of-tests-of-32-characters-or-more",
    "EXPORT_WEBHOOK_ALLOW_PRIVATE": "true",
    "EXPORT_BLOCK_BYTES": "65536",
}
ENDED_MEANWHILE = 409
"""The answer to a cancellation or a resume of an export that has completed in the meantime."""


@pytest.fixture(scope="module")
def receiver() -> Iterator[Receiver]:
    with a_receiver() as running:
        yield running


@pytest.fixture(scope="module")
def operated(tmp_path_factory: pytest.TempPathFactory, database_url: str) -> Iterator[System]:
    """A system of its own, because an operator revokes keys and loads tables."""
    with running_system(tmp_path_factory.mktemp("operated"), database_url, SETTINGS, workers=1) as running:
        yield running


def told_settings(document: str, system: System) -> dict[str, str]:
    """Return the settings that a reader has in the environment because the document says so, and no others.

    A document that exports none says which settings its commands read or need.
    """
    text = (ROOT / "docs" / f"{document}.md").read_text(encoding="utf-8")
    said = " ".join(re.findall(r"[^.]* (?:reads?|needs?) [^.]*\.", text))
    named = re.findall(r"^ *export (\w+)=", text, re.MULTILINE) or re.findall(r"`(EXPORT_[A-Z_]+)`", said)
    return {name: value for name, value in system.settings.items() if name in named}


def placeholders(system: System, receiver: Receiver, directory: Path) -> dict[str, str]:
    """Return the values of what the reader of the runbook has to fill in."""
    delivered = system.start_export({"notify": {"webhookUrl": receiver.url}}).json["code"]
    receiver.wait_for(1)
    cancelled, _ = system.start_and_cancel()
    schedule = {"name": "Yearly", "cron": "30 6 1 1 *", "enabled": False, "request": {}}
    saved = system.call("POST", f"/tenants/{NORTHWIND}/clients/export/schedules", schedule, key=NORTHWIND_KEY)
    key = run_command("keys", "create", "--name", "caller", "--tenant", NORTHWIND, EXPORT_STORAGE=system.storage).out
    return {
        "‹tenant›": NORTHWIND,
        "‹code›": delivered,
        "‹failed code›": code_of(cancelled),
        "‹running code›": code_of(system.start_async()),
        "‹schedule›": saved.json["code"],
        "‹key id›": key.split("_")[1],
        "‹day›": f"{datetime.now(UTC):%Y-%m-%d}",
        "‹backup file›": str(directory / "backup.jsonl"),
        "$SERVICE": system.url,
        "$KEY": NORTHWIND_KEY,
    }


def run_line(line: str, settings: dict[str, str]) -> str | None:
    """Run a command with only these settings, and return why it failed; None if it did not."""
    if line.startswith("curl "):
        _, _, response = run_curl(line, {})
        return None if response.status < 300 or response.status == ENDED_MEANWHILE else str(response)
    words = shlex.split(line)
    assert words[:3] == ["python", "-m", "exports"], line
    done = run_command(*words[3:], EXPORT_WEBHOOK_ALLOW_PRIVATE="true", **settings)  # the receiver is on this machine
    return None if done.code == 0 and "Traceback" not in done.err else done.out + done.err


@pytest.mark.parametrize(("document", "least"), [("runbook", 18), ("deploy", 3), ("webhooks", 3)])
def test_every_command_that_needs_no_azure_works(
    operated: System, receiver: Receiver, tmp_path: Path, document: str, least: int
) -> None:
    values, settings = placeholders(operated, receiver, tmp_path), told_settings(document, operated)
    commands = [command for block in blocks_to_run(f"docs/{document}.md") for command in block.commands]
    assert len(commands) >= least
    for command in commands:
        line = command
        for name, value in values.items():
            line = line.replace(name, value)
        assert "‹" not in line, command
        assert run_line(line, settings) is None, command


def test_a_receiver_gets_the_webhook_of_the_smoke_test(operated: System) -> None:
    with a_receiver() as receiver:
        done = smoke(operated.url, "--quick", "--json", "--webhook-url", receiver.url)
        (received,) = receiver.wait_for(1)
    webhook = results(done)["webhook"]
    assert webhook["outcome"] == "passed"
    assert json.loads(received.body)["code"] in webhook["detail"]
