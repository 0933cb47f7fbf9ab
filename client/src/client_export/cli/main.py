"""The command `client-export`."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Annotated

import typer

from client_export.cli import administration, exports, login, lookups, saved
from client_export.cli.context import Choice
from client_export.cli.exits import LocalError
from client_export.cli.profiles import PROFILE, TENANT, URL, load_profiles
from client_export.http import package_version

app = typer.Typer(
    name="client-export",
    no_args_is_help=True,
    rich_markup_mode=None,
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"]},
    help="Export all clients of a tenant as one file, and prove it.",
)

_COMMANDS: dict[str, Callable[..., None]] = {
    "login": login.login,
    "logout": login.logout,
    "profiles": login.list_profiles,
    "start": exports.start,
    "status": exports.status,
    "watch": exports.watch,
    "list": exports.list_exports,
    "cancel": exports.cancel,
    "resume": exports.resume,
    "download": exports.download,
    "verify": exports.verify,
    "estimate": exports.estimate,
    "preview": lookups.preview,
    "filters": lookups.filters,
    "me": lookups.me,
    "audit": administration.audit,
    "notification-test": administration.notification_test,
}
for _name, _command in _COMMANDS.items():
    app.command(_name)(_command)
app.add_typer(saved.mappings, name="mappings")
app.add_typer(saved.schedules, name="schedules")
app.add_typer(administration.deliveries, name="deliveries")
app.add_typer(administration.keys, name="keys")


def _profile_names(incomplete: str) -> list[str]:
    try:
        return [name for name in load_profiles() if name.startswith(incomplete)]
    except LocalError:
        return []


def _show_version(wanted: bool) -> None:
    if wanted:
        typer.echo(package_version())
        raise typer.Exit


@app.callback()
def choose(
    context: typer.Context,
    profile: Annotated[
        str | None,
        typer.Option(help=f"Name of a profile (or {PROFILE}).", autocompletion=_profile_names, show_default=False),
    ] = None,
    url: Annotated[str | None, typer.Option(help=f"Address of the service (or {URL}).")] = None,
    tenant: Annotated[str | None, typer.Option(help=f"The tenant (or {TENANT}).")] = None,
    token: Annotated[
        Path | None,
        typer.Option(
            metavar="FILE",
            help="File with an access token, read again for each request; - is standard input.",
            show_default=False,
        ),
    ] = None,
    version: Annotated[
        bool, typer.Option("--version", callback=_show_version, is_eager=True, help="Show the version.")
    ] = False,
) -> None:
    """Keep the options before the command for it."""
    context.obj = Choice(profile, url, tenant, token)


def main() -> None:
    """Run the command line."""
    app()
