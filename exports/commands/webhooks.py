"""`python -m exports webhooks`: show a tenant's signing secret, what became of its webhooks, and send one again."""

from __future__ import annotations

import argparse
import os
import sys
from collections.abc import Callable
from typing import Any

from exports.errors import StorageUnavailableError
from exports.jobs.job import Job
from exports.notifications.delivery import SendResult
from exports.services import Services
from exports.settings import SettingsError, read_settings
from exports.steps.notifications.send_webhook import BY_COMMAND, deliver
from exports.wiring import build_services
from shared.standard_webhooks import derive_secrets

_Action = Callable[[Services, argparse.Namespace], None]


class WebhookCommandError(Exception):
    """The command cannot do what was asked; the text says why and what to change."""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Say what the command takes."""
    actions = parser.add_subparsers(required=True, metavar="action")
    _add_action(actions, "secret", _secret, "print the secret that a tenant's receivers verify with")
    listed = _add_action(
        actions, "list", _list, "show every try of a tenant's webhooks as JSON lines, newest job first"
    )
    listed.add_argument("--code", metavar="CODE", help="of this job only")
    replay = _add_action(actions, "replay", _replay, "send the webhook of a job that has ended once more, now")
    replay.add_argument("--code", required=True, metavar="CODE", help="of which job")


def _add_action(actions: Any, name: str, act: _Action, summary: str) -> argparse.ArgumentParser:
    action: argparse.ArgumentParser = actions.add_parser(name, help=summary, description=summary)
    action.add_argument("--tenant", required=True, metavar="TENANT", help="whose")
    action.set_defaults(act=act)
    return action


def open_services() -> Services:
    """Connect to what the app settings in the environment name. No clients are read, so no database has to be named.

    Raises:
        SettingsError: A setting is missing or wrong.
    """
    return build_services(read_settings({"CLIENTS_DATABASE_URL": "sqlite://", **os.environ}))


def run(arguments: argparse.Namespace) -> int:
    """Carry out one action; return the exit code."""
    from azure.core.exceptions import AzureError

    try:
        arguments.act(open_services(), arguments)
    except (WebhookCommandError, StorageUnavailableError, SettingsError) as error:
        return _refuse(str(error))
    except ValueError:
        return _refuse("EXPORT_STORAGE is neither a connection string nor the name of an account.")
    except AzureError as error:
        return _refuse(f"Storage refused ({getattr(error, 'error_code', None) or type(error).__name__}).")
    return 0


def _secret(services: Services, arguments: argparse.Namespace) -> None:
    sys.stdout.write(f"{_secrets(services, arguments.tenant)[0]}\n")


def _list(services: Services, arguments: argparse.Namespace) -> None:
    for delivery in services.deliveries.deliveries(arguments.tenant, arguments.code):
        sys.stdout.write(f"{delivery.model_dump_json(by_alias=True)}\n")


def _replay(services: Services, arguments: argparse.Namespace) -> None:
    _secrets(services, arguments.tenant)
    job, url = _ended_job(services, arguments)
    sent = deliver(services, job, url, BY_COMMAND)
    said = _told(sent)
    if not sent.is_delivered:
        message = f"The receiver did not take it: {said}."
        raise WebhookCommandError(message)
    sys.stdout.write(f"The receiver took it: {said}.\n")


def _secrets(services: Services, tenant: str) -> list[str]:
    secrets = derive_secrets(services.settings.webhook_secrets, tenant)
    if not secrets:
        raise WebhookCommandError("Set EXPORT_WEBHOOK_SECRET to what the service has; secrets are made from it.")
    return secrets


def _ended_job(services: Services, arguments: argparse.Namespace) -> tuple[Job, str]:
    job = services.jobs.get(arguments.tenant, arguments.code)
    if job is None:
        message = f"The tenant {arguments.tenant} has no job {arguments.code}."
        raise WebhookCommandError(message)
    if job.notify is None:
        raise WebhookCommandError("That job was asked for without notify: there is nobody to tell.")
    if not job.status.is_terminal:
        message = f"That job is {job.status}; its receiver is told when it has ended."
        raise WebhookCommandError(message)
    return job, job.notify.webhook_url


def _told(sent: SendResult) -> str:
    return f"{sent.status if sent.fault is None else sent.fault}, after {sent.milliseconds} ms"


def _refuse(message: str) -> int:
    sys.stderr.write(f"{message}\n")
    return 1
