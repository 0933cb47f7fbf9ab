"""`python -m exports webhooks`: shows a tenant's signing secret and deliveries, and sends a notification again."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Callable
from typing import Any

from exports.commands.command_line import (
    ACTOR,
    CommandError,
    add_action,
    add_code_option,
    add_storage_option,
    add_tenant_option,
    open_services,
    print_json_lines,
    storage_setting,
)
from exports.jobs.job import Job
from exports.notifications.delivery import SendResult
from exports.notifications.target import Target, targets_of
from exports.services import Services
from exports.steps.notifications.one_try import mail_origin
from exports.steps.notifications.send_by_hand import record_sent_again
from exports.steps.notifications.send_webhook import deliver
from shared.standard_webhooks import derive_secrets
from shared.text import printable

_Action = Callable[[Services, argparse.Namespace], None]


def add_arguments(parser: argparse.ArgumentParser) -> None:
    actions = parser.add_subparsers(required=True, metavar="action")
    _add_action(actions, "secret", _secret, "print the secret with which a tenant's receivers verify webhooks")
    listed = _add_action(
        actions, "list", _list, "print every try of a tenant's webhooks and e-mails as JSON lines, newest job first"
    )
    add_code_option(listed, "print the tries of this job only")
    replay = _add_action(actions, "replay", _replay, "send the webhook and the e-mails of an ended job once more, now")
    add_code_option(replay, "code of the job", required=True)


def _add_action(actions: Any, name: str, act: _Action, summary: str) -> argparse.ArgumentParser:
    action = add_action(actions, name, act, summary)
    add_tenant_option(action, "tenant that owns the webhooks")
    add_storage_option(action)
    return action


def run(arguments: argparse.Namespace) -> int:
    """Run one action, and return the exit code."""
    arguments.act(open_services(storage_setting(arguments)), arguments)
    return 0


def _secret(services: Services, arguments: argparse.Namespace) -> None:
    sys.stdout.write(f"{_secrets(services, arguments.tenant)[0]}\n")


def _list(services: Services, arguments: argparse.Namespace) -> None:
    print_json_lines(services.deliveries.deliveries(arguments.tenant, arguments.code))


def _replay(services: Services, arguments: argparse.Namespace) -> None:
    job = _ended_job(services, arguments)
    targets = targets_of(job, mail_origin(services))
    if any(target.url for target in targets):
        _secrets(services, arguments.tenant)
    if services.mail is None and any(target.address for target in targets):
        raise CommandError(
            "Set the settings EXPORT_SMTP_… to the values that the service has. They name its mail server."
        )
    record_sent_again(services, job, targets, ACTOR)
    refused = [line for target in targets if (line := _send(services, job, target))]
    if refused:
        raise CommandError("\n".join(refused))


def _send(services: Services, job: Job, target: Target) -> str | None:
    """Send one message. Return what to report if it was not accepted."""
    result = deliver(services, job, target).result
    receiver, message = ("mail server", f"e-mail to {target.address}") if target.address else ("receiver", "webhook")
    if not result.is_delivered:
        return f"The {receiver} did not accept the {message}: {_describe(result)}."
    sys.stdout.write(f"{printable(f'The {receiver} accepted the {message}: {_describe(result)}.')}\n")
    return None


def _secrets(services: Services, tenant: str) -> list[str]:
    secrets = derive_secrets(services.settings.webhook_secrets, tenant)
    if not secrets:
        raise CommandError(
            "Set EXPORT_WEBHOOK_SECRET to the value that the service has. The tenants' secrets are derived from it."
        )
    return secrets


def _ended_job(services: Services, arguments: argparse.Namespace) -> Job:
    job = services.jobs.get(arguments.tenant, arguments.code)
    if job is None:
        message = f"The tenant {arguments.tenant} has no job {arguments.code}."
        raise CommandError(message)
    if job.notify is None:
        raise CommandError("That job was requested without notify, so it has no receiver.")
    if not job.status.is_terminal:
        message = f"That job is {job.status}; its notification is sent when it ends."
        raise CommandError(message)
    return job


def _describe(result: SendResult) -> str:
    return f"{result.status if result.fault is None else result.fault}, after {result.milliseconds} ms"
