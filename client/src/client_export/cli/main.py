"""The command `client-export`."""

from __future__ import annotations

import sys
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Annotated, Any, cast

import typer
from typer.core import TyperGroup

from client_export.cli import administration, exports, login, lookups, saved
from client_export.cli.context import Choice
from client_export.cli.exits import Exit, LocalError, note_empty, refuse_empty, show_usage_error
from client_export.cli.profiles import PROFILE, TENANT, URL, load_profiles
from client_export.cli.terminal import escape_what_cannot_be_written
from client_export.http import package_version

_UsageError = cast("type[typer.BadParameter]", typer.BadParameter.__mro__[1])
"""The base of the errors about options. Some versions of typer bring a click of their own, which has another."""


class _Commands(TyperGroup):
    """The commands. With `--json`, wrong options are told as JSON too."""

    def main(self, args: Sequence[str] | None = None, *, standalone_mode: bool = True, **more: Any) -> Any:  # type: ignore[override] # nobody gives the others by position
        """Run a command, as click does."""
        escape_what_cannot_be_written()
        given = sys.argv[1:] if args is None else args
        if not standalone_mode or "--json" not in given:
            return super().main(args, standalone_mode=standalone_mode, **more)
        try:
            ended = super().main(args, standalone_mode=False, **more)
        except _UsageError as error:
            show_usage_error(error.format_message())
            ended = Exit.USAGE
        sys.exit(ended or Exit.DONE)

    def parse_args(self, ctx: Any, args: list[str]) -> list[str]:
        """Read the options before the command."""
        note_empty(ctx, args)
        return super().parse_args(ctx, args)


app = typer.Typer(
    cls=_Commands,
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
    "remove-file": exports.remove_file,
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
    allow_http: Annotated[
        bool, typer.Option("--allow-http", help="Send the key over plain http to another machine; others can read it.")
    ] = False,
    version: Annotated[
        bool, typer.Option("--version", callback=_show_version, is_eager=True, help="Show the version.")
    ] = False,
) -> None:
    """Keep the options before the command for it."""
    refuse_empty(context, {"profile": profile, "url": url, "tenant": tenant, "token": token})
    context.obj = Choice(profile, url, tenant, token, allow_http)


def main() -> None:
    """Run the command line."""
    app()
