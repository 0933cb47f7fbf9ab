"""Administrators manage keys, read the audit log and send notifications by hand, with the client and its commands."""

from __future__ import annotations

import asyncio
import json
import subprocess
from collections.abc import Iterator
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any

import pytest
from client_export import (
    ApiKey,
    AsyncExportClient,
    AuditEntry,
    AuthenticationError,
    ConflictError,
    Delivery,
    ExportClient,
    ExportRequest,
    ForbiddenError,
    Job,
)

from tests.client.conftest import run
from tests.support.receiver import Receiver, a_receiver
from tests.support.system import NORTHWIND, NORTHWIND_KEY, System, running_system, sample_database
from tests.support.token_issuer import AUDIENCE, TokenIssuer, a_token_issuer
from tests.support.waiting import wait_until

NOBODY = "http://127.0.0.1:9/"
"""The port of the discard protocol, at which nothing listens."""
SMALL = ExportRequest(columns=["Code"])


@pytest.fixture(scope="module")
def issuer() -> Iterator[TokenIssuer]:
    with a_token_issuer() as running:
        yield running


@pytest.fixture(scope="module")
def sender(tmp_path_factory: pytest.TempPathFactory, issuer: TokenIssuer) -> Iterator[System]:
    """A system that sends webhooks, and accepts tokens."""
    directory = tmp_path_factory.mktemp("sender")
    settings = {
        "EXPORT_WEBHOOK_SECRET": "a-master-secret-of-more-than-32-characters",
        "EXPORT_WEBHOOK_ALLOW_PRIVATE": "true",
        "EXPORT_WEBHOOK_RETRY_SECONDS": "0.2 0.2 0.2",
        "EXPORT_TOKEN_ISSUER": issuer.url,
        "EXPORT_TOKEN_AUDIENCE": AUDIENCE,
        "EXPORT_TOKEN_ROLES": json.dumps({"Reader": {"scopes": ["exports:read"], "tenants": [NORTHWIND]}}),
    }
    with running_system(directory, sample_database(directory, 200), settings, workers=1) as system:
        yield system


@pytest.fixture
def client(sender: System) -> Iterator[ExportClient]:
    with ExportClient(sender.url, key=NORTHWIND_KEY) as opened:
        yield opened


@pytest.fixture
def receiver() -> Iterator[Receiver]:
    with a_receiver() as running:
        yield running


def ended_export(client: ExportClient, request: ExportRequest = SMALL) -> Job:
    return client.wait(client.start(request).code)


def shown(done: subprocess.CompletedProcess[str]) -> Any:
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)


def key_in(keys: Iterator[ApiKey], code: str) -> ApiKey:
    (found,) = [key for key in keys if key.code == code]
    return found


def test_the_client_makes_rotates_and_revokes_a_key(sender: System, client: ExportClient) -> None:
    made = client.create_key("Nightly import", scopes=["exports:read"], valid_days=30)
    assert made.text not in repr(made)
    with ExportClient(sender.url, key=made.text) as reader:
        assert reader.me().name == "Nightly import"
        with pytest.raises(ForbiddenError, match="keys:admin"):
            list(reader.keys())
    new = client.rotate_key(made.key.code, overlap_hours=24)
    assert new.replaced is not None
    assert (new.replaced.code, new.key.scopes, new.key.tenants) == (made.key.code, ("exports:read",), (NORTHWIND,))
    assert client.revoke_key(new.key.code).state == "Revoked"
    assert key_in(client.keys(), new.key.code).state == "Revoked"
    assert key_in(client.keys(), made.key.code) == new.replaced
    with pytest.raises(ConflictError, match=r"made|new one"):
        client.rotate_key(new.key.code)
    with ExportClient(sender.url, key=new.text) as stranger, pytest.raises(AuthenticationError):
        stranger.me()


def test_the_client_revokes_the_key_that_it_uses_only_with_a_confirmation(sender: System, client: ExportClient) -> None:
    made = client.create_key("Short-lived", scopes=["keys:admin"])
    with ExportClient(sender.url, key=made.text) as own:
        with pytest.raises(ConflictError, match="the key that you use"):
            own.revoke_key(made.key.code)
        assert own.revoke_key(made.key.code, confirm=True).state == "Revoked"


def days_of(job: Job) -> list[date]:
    """Return the days (UTC) from the start of an export to today: two if it is just past midnight."""
    assert job.created is not None
    return sorted({job.created.astimezone(UTC).date(), datetime.now(UTC).date()})


def audit_of(client: ExportClient, job: Job) -> list[AuditEntry]:
    return [entry for day in days_of(job) for entry in client.audit(day, code=job.code)]


def test_the_client_reads_the_audit_log_by_day_action_actor_and_code(client: ExportClient) -> None:
    job = ended_export(client)
    client.remove_file(job.code)
    entries = audit_of(client, job)
    assert list(dict.fromkeys(entry.action for entry in entries)) == ["Started", "LinkGiven", "FileRemoved"]
    started = entries[0]
    assert list(client.audit(days_of(job)[0], code=job.code, actions=["Started"], actor=started.actor)) == [started]
    assert list(client.audit("2001-01-01")) == []
    assert started.raw["fields"] == ["Code"]


def test_the_client_reads_the_audit_log_of_today_unless_a_day_is_named(client: ExportClient) -> None:
    while True:  # again if it is midnight meanwhile
        job = ended_export(client)
        entries = list(client.audit(code=job.code))
        if len(days := days_of(job)) == 1:
            break
    assert entries
    assert entries == list(client.audit(days[0], code=job.code))


def test_the_client_tests_a_receiver_and_notifies_it_again(client: ExportClient, receiver: Receiver) -> None:
    (answer,) = client.test_notification(webhook_url=receiver.url)
    assert (answer.delivered, answer.channel, answer.sent, answer.number) == (True, "webhook", None, None)
    job = client.start(ExportRequest(columns=["Code"], webhook_url=receiver.url))
    first = wait_until(lambda: list(client.deliveries(job.code)), 60)
    (again,) = client.notify_again(job.code)
    assert (again.delivered, again.number) == (True, 0)
    assert list(client.deliveries(job.code)) == [*first, again]
    (lost,) = client.test_notification(webhook_url=NOBODY)
    assert (lost.delivered, lost.status, bool(lost.fault)) == (False, None, True)


def test_the_client_for_asyncio_administers_too(sender: System, client: ExportClient, receiver: Receiver) -> None:
    job = ended_export(client, ExportRequest(columns=["Code"], webhook_url=receiver.url))

    async def ask() -> tuple[list[ApiKey], list[AuditEntry], list[Delivery]]:
        async with AsyncExportClient(sender.url, key=NORTHWIND_KEY, tenant=NORTHWIND) as opened:
            made = await opened.create_key("From asyncio")
            await opened.rotate_key(made.key.code)
            await opened.revoke_key(made.key.code)
            sent = [*(await opened.notify_again(job.code)), *(await opened.test_notification(webhook_url=NOBODY))]
            assert [delivery.delivered for delivery in sent] == [True, False]
            keys = [key async for key in opened.keys()]  # noqa: SIM118 - it is no mapping
            entries = [entry for day in days_of(job) async for entry in opened.audit(day, code=job.code)]
            return keys, entries, [delivery async for delivery in opened.deliveries(job.code)]

    keys, entries, deliveries = asyncio.run(ask())
    assert {"From asyncio"} <= {key.name for key in keys}
    assert entries == audit_of(client, job)
    assert 0 in {delivery.number for delivery in deliveries}


def test_a_command_prints_a_new_key_alone_on_standard_output(sender: System) -> None:
    done = run(sender, "keys", "create", "--name", "Of the shell", "--scope", "exports:read")
    assert done.returncode == 0, done.stderr
    assert "shown only once" in done.stderr
    me = shown(run(sender, "me", "--json", CLIENT_EXPORT_KEY=done.stdout.strip()))
    assert (me["name"], me["scopes"]) == ("Of the shell", ["exports:read"])


def test_the_commands_for_keys_print_what_the_service_answers(sender: System, client: ExportClient) -> None:
    options = ["--name", "As JSON", "--scope", "exports:read", "--valid-days", "7", "--json"]
    made = shown(run(sender, "keys", "create", *options))
    new = shown(run(sender, "keys", "rotate", made["code"], "--overlap-hours", "2", "--json"))
    assert new["replaced"]["code"] == made["code"]
    assert shown(run(sender, "keys", "revoke", new["code"], "--json"))["state"] == "Revoked"
    listed = shown(run(sender, "keys", "list", "--json"))
    assert listed == [key.raw for key in client.keys()]  # noqa: SIM118 - it is no mapping
    assert not {"hash", "key"} & set().union(*listed)
    rows = [line.split("\t") for line in run(sender, "keys", "list").stdout.splitlines()]
    assert [new["code"], "As JSON", "Revoked"] in [row[:3] for row in rows]


def test_a_command_says_how_to_confirm_a_revocation(sender: System, client: ExportClient) -> None:
    made = client.create_key("Own", scopes=["keys:admin"])
    revoke = ["keys", "revoke", made.key.code]
    refused = run(sender, *revoke, CLIENT_EXPORT_KEY=made.text)
    assert (refused.returncode, "add --confirm" in refused.stderr) == (3, True)
    as_json = run(sender, *revoke, "--json", CLIENT_EXPORT_KEY=made.text)
    assert json.loads(as_json.stderr)["error"]["code"] == "not-confirmed"
    assert run(sender, *revoke, "--confirm", CLIENT_EXPORT_KEY=made.text).returncode == 0


def test_the_command_for_the_audit_log_prints_entries(sender: System, client: ExportClient) -> None:
    job = ended_export(client)
    of_job = ["audit", "--day", str(days_of(job)[0]), "--code", job.code]
    entries = shown(run(sender, *of_job, "--json"))
    assert entries == [entry.raw for entry in client.audit(days_of(job)[0], code=job.code)]
    actor = entries[0]["actor"]
    lines = run(sender, *of_job, "--action", "Started", "--actor", actor).stdout
    assert [line.split("\t")[1:] for line in lines.splitlines()] == [["Started", actor, job.code]]
    cut = run(sender, *of_job, "--limit", "1")
    assert (len(cut.stdout.splitlines()), "more entries" in cut.stderr) == (1, True)
    assert run(sender, "audit", "--day", "2001-01-01").stdout == ""
    assert run(sender, "audit", "--day", "yesterday").returncode == 3


def test_the_commands_for_notifications_end_with_a_code_of_their_own(
    sender: System, client: ExportClient, receiver: Receiver
) -> None:
    (answer,) = shown(run(sender, "notification-test", "--webhook", receiver.url, "--json"))
    assert answer["delivered"]
    lost = run(sender, "notification-test", "--webhook", NOBODY)
    assert (lost.returncode, lost.stdout.split("\t")[0]) == (12, "webhook")
    assert run(sender, "notification-test", "--email", "a@example.com").returncode == 3

    job = client.start(ExportRequest(columns=["Code"], webhook_url=receiver.url))
    wait_until(lambda: list(client.deliveries(job.code)), 60)
    (again,) = shown(run(sender, "deliveries", "send", job.code, "--json"))
    assert (again["number"], again["delivered"]) == (0, True)
    listed = shown(run(sender, "deliveries", "list", job.code, "--json"))
    assert listed == [delivery.raw for delivery in client.deliveries(job.code)]
    assert "delivered" in run(sender, "deliveries", "list", job.code).stdout
    assert run(sender, "deliveries", "send", ended_export(client).code).returncode == 3


def test_a_command_takes_a_token_from_a_file_or_from_standard_input(
    sender: System, issuer: TokenIssuer, tmp_path: Path
) -> None:
    token, file = issuer.token(roles=["Reader"]), tmp_path / "token"
    file.write_text(f"{token}\n", encoding="utf-8")
    for options, given in ((["--token", str(file)], ""), (["--token", "-"], f"{token}\n")):
        me = shown(run(sender, *options, "me", "--json", given=given))  # it wins over the key of the variable
        assert me["scopes"] == ["exports:read"]
    assert token not in run(sender, "--token", file, "start").stderr

    config = {"CLIENT_EXPORT_CONFIG": str(tmp_path / "profiles.json"), "CLIENT_EXPORT_KEY": ""}
    login = run(sender, "--token", file, "login", "--url", sender.url, "--json", **config)
    assert shown(login) == {
        "profile": "default",
        "url": sender.url,
        "tenant": None,
        "file": config["CLIENT_EXPORT_CONFIG"],
    }
    assert shown(run(sender, "me", "--json", **config))["scopes"] == ["exports:read"]


@pytest.mark.parametrize(
    "content", ["", "tökén", *(pytest.param(other, marks=pytest.mark.thorough) for other in ("two words", "a\nb"))]
)
def test_a_file_without_a_token_is_named(sender: System, tmp_path: Path, content: str) -> None:
    file = tmp_path / "token"
    file.write_text(content, encoding="utf-8")
    done = run(sender, "--token", file, "me")
    assert (done.returncode, "holds no access token" in done.stderr, str(file) in done.stderr) == (1, True, True)


def test_a_file_that_is_missing_is_named(sender: System, tmp_path: Path) -> None:
    missing = run(sender, "--token", tmp_path / "missing", "me")
    assert (missing.returncode, missing.stderr) == (1, f"{tmp_path / 'missing'}: No such file or directory.\n")
