"""The commands for administrators: keys, the audit log, and notifications that are sent by hand."""

from __future__ import annotations

import sys
from collections.abc import Iterable
from itertools import islice
from typing import Annotated

import typer

from client_export.administration import ApiKey, Delivery, NewApiKey
from client_export.cli.context import AsJson, print_json, print_list, say, service
from client_export.cli.exits import Exit, exits
from client_export.cli.show import local
from client_export.cli.terminal import one_line
from client_export.errors import ConflictError

keys = typer.Typer(no_args_is_help=True, help="API keys of the tenant.")
deliveries = typer.Typer(no_args_is_help=True, help="The tries to notify of the end of an export.")

KeyCode = Annotated[str, typer.Argument(help="Its code: the middle part of the key.")]
ExportCode = Annotated[str, typer.Argument(help="Code of the export.")]


@keys.command("list")
@exits
def list_keys(context: typer.Context, as_json: AsJson = False) -> None:
    """List the keys that open the tenant, oldest first."""
    with service(context) as client:
        found = list(client.keys())
    print_list(
        found,
        as_json,
        ("code", "name", "state", "scopes", "expires", "last used"),
        lambda key: (
            key.code,
            key.name,
            key.state,
            " ".join(key.scopes),
            local(key.expires) or "never",
            local(key.last_used) or "never",
        ),
    )


@keys.command("create")
@exits
def create_key(
    context: typer.Context,
    name: Annotated[str, typer.Option(help="The caller that will use the key.")],
    scopes: Annotated[
        list[str] | None,
        typer.Option("--scope", help="What it permits; may be repeated. Default: exports:read and exports:write."),
    ] = None,
    valid_days: Annotated[int | None, typer.Option(help="Days after which it expires. Default: never.")] = None,
    as_json: AsJson = False,
) -> None:
    """Make a key for the tenant, and print it alone on standard output. Nothing shows it again."""
    with service(context) as client:
        _show_new(client.create_key(name, scopes=scopes or (), valid_days=valid_days), as_json)


@keys.command("rotate")
@exits
def rotate_key(
    context: typer.Context,
    code: KeyCode,
    overlap_hours: Annotated[int | None, typer.Option(help="Hours for which the old key stays valid.")] = None,
    as_json: AsJson = False,
) -> None:
    """Make a key with the same rights, and let the old one expire."""
    with service(context) as client:
        _show_new(client.rotate_key(code, overlap_hours=overlap_hours), as_json)


@keys.command("revoke")
@exits
def revoke_key(
    context: typer.Context,
    code: KeyCode,
    confirm: Annotated[
        bool, typer.Option("--confirm", help="Even if it is the key in use, or the last one that may administer keys.")
    ] = False,
    as_json: AsJson = False,
) -> None:
    """Revoke a key for ever. This takes effect within a minute."""
    with service(context) as client:
        try:
            key = client.revoke_key(code, confirm=confirm)
        except ConflictError:
            if not as_json:
                say("To revoke it anyway, add --confirm.")
            raise
    if as_json:
        print_json(key.raw)
    else:
        say(f"{key.code} ({key.name}) is revoked.")


@exits
def audit(
    context: typer.Context,
    day: Annotated[str | None, typer.Option(help="The day (UTC), as 2026-01-31. Default: today.")] = None,
    actions: Annotated[
        list[str] | None, typer.Option("--action", help="Only this action, such as Downloaded; may be repeated.")
    ] = None,
    actor: Annotated[str | None, typer.Option(help="Only what this key, token or schedule did.")] = None,
    code: Annotated[str | None, typer.Option(help="Only about this export, schedule or key.")] = None,
    limit: Annotated[int, typer.Option(min=1, help="How many entries to show at most.")] = 1000,
    as_json: AsJson = False,
) -> None:
    """List who started, read, changed or removed what on a day, oldest first."""
    with service(context) as client:
        found = list(islice(client.audit(day, actions=actions or (), actor=actor, code=code), limit + 1))
    if len(found) > limit:
        say(f"There are more entries than these {limit:,}; see --limit.")
    print_list(
        found[:limit],
        as_json,
        ("moment", "action", "actor", "code"),
        lambda entry: (local(entry.moment), entry.action, entry.actor, entry.code),
    )


@deliveries.command("list")
@exits
def list_deliveries(context: typer.Context, code: ExportCode, as_json: AsJson = False) -> None:
    """List the tries to notify of the end of an export, oldest first."""
    with service(context) as client:
        _show_deliveries(client.deliveries(code), as_json)


@deliveries.command("send")
@exits
def send_deliveries(context: typer.Context, code: ExportCode, as_json: AsJson = False) -> None:
    """Notify all receivers of an ended export once more."""
    with service(context) as client:
        _show_answers(client.notify_again(code), as_json)


@exits
def notification_test(
    context: typer.Context,
    webhook: Annotated[str | None, typer.Option(help="URL to which to send a test.")] = None,
    email: Annotated[
        list[str] | None, typer.Option("--email", help="Address to which to send a test; may be repeated.")
    ] = None,
    schedule: Annotated[
        str | None, typer.Option(help="Code of the schedule that shows the URL in its shortened form.")
    ] = None,
    as_json: AsJson = False,
) -> None:
    """Send a test to receivers of notifications, and show how each has answered."""
    with service(context) as client:
        found = client.test_notification(webhook_url=webhook, emails=email or (), schedule_code=schedule)
    _show_answers(found, as_json)


def _show_new(made: NewApiKey, as_json: bool) -> None:
    if as_json:
        print_json(made.raw)
        return
    until = local(made.key.expires)
    say(
        f"A key with {', '.join(made.key.scopes)}, valid {f'until {until}' if until else 'until it is revoked'}. "
        "It is shown only once:",
    )
    sys.stdout.write(f"{one_line(made.text)}\n")
    if made.replaced is not None:
        _say_replaced(made.replaced)


def _say_replaced(key: ApiKey) -> None:
    say(f"The old key {key.code} expires {local(key.expires)}.")


def _show_answers(found: tuple[Delivery, ...], as_json: bool) -> None:
    _show_deliveries(found, as_json)
    if not all(delivery.delivered for delivery in found):
        raise typer.Exit(Exit.NOT_DELIVERED)


def _show_deliveries(found: Iterable[Delivery], as_json: bool) -> None:
    """List tries, and when they were sent, which the service does not tell of tests."""
    tries = tuple(found)
    has_times = any(each.sent for each in tries)

    def cells(each: Delivery) -> list[str | None]:
        result = "delivered" if each.delivered else each.fault or "refused"
        status = None if each.status is None else str(each.status)
        return [*([local(each.sent)] if has_times else []), each.channel, each.receiver, result, status]

    headers = ("channel", "receiver", "result", "status")
    print_list(tries, as_json, ("sent", *headers) if has_times else headers, cells)
