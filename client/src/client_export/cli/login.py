"""The commands for profiles: `login`, `logout` and `profiles`."""

from __future__ import annotations

import os
import sys
from typing import Annotated

import typer

from client_export.cli.context import AsJson, Choice, print_facts, print_json, print_table
from client_export.cli.exits import LocalError, exits
from client_export.cli.profiles import DEFAULT, KEY, TOKEN, Profile, load_profiles, read_line, reader_of, save_profiles


@exits
def login(
    context: typer.Context,
    url: Annotated[str | None, typer.Option(help="Address of the service.")] = None,
    tenant: Annotated[str | None, typer.Option(help="The tenant; leave it out if the key opens only one.")] = None,
    name: Annotated[str, typer.Option(help="Name of the profile.")] = DEFAULT,
    with_token: Annotated[bool, typer.Option("--with-token", help="Give an access token instead of a key.")] = False,
    as_json: AsJson = False,
) -> None:
    """Save the address, the key and the tenant of a service, after a request has shown that they work.

    The key comes from the variable CLIENT_EXPORT_KEY (a token from CLIENT_EXPORT_TOKEN, or from the file that --token
    before the command names), otherwise from standard input.
    It is never an option, because other users of the machine could see it.
    """
    choice: Choice = context.obj or Choice()
    url, tenant = url or choice.url, tenant or choice.tenant
    if url is None:
        raise typer.BadParameter("Give the address of the service.", param_hint="--url")
    with_token = with_token or choice.token_file is not None
    secret = reader_of(choice.token_file)() if choice.token_file else _read_secret(with_token=with_token)
    profile = Profile(
        url, None if with_token else secret, secret if with_token else None, tenant, allow_http=choice.allow_http
    )
    with profile.open() as client:
        next(client.list(), None)
    file = save_profiles({**load_profiles(), name: profile})
    if as_json:
        print_json({"profile": name, "url": url, "tenant": tenant, "file": str(file)})
    else:
        print_facts({"profile": name, "url": url, "tenant": tenant, "file": file})


@exits
def logout(name: Annotated[str, typer.Option(help="Name of the profile.")] = DEFAULT, as_json: AsJson = False) -> None:
    """Forget a profile."""
    known = load_profiles()
    if known.pop(name, None) is None:
        message = f"There is no profile {name}."
        raise LocalError(message)
    save_profiles(known)
    if as_json:
        print_json({"profile": name, "deleted": True})
    else:
        print_facts({"deleted": name})


@exits
def list_profiles(as_json: AsJson = False) -> None:
    """List the profiles, without their keys."""
    known = load_profiles()
    if as_json:
        print_json([{"profile": name, "url": each.url, "tenant": each.tenant} for name, each in known.items()])
        return
    print_table(("profile", "url", "tenant"), ((name, each.url, each.tenant) for name, each in known.items()))


def _read_secret(*, with_token: bool) -> str:
    known = os.environ.get(TOKEN if with_token else KEY)
    if known:
        return known
    if sys.stdin.isatty():
        return str(typer.prompt("Access token" if with_token else "API key", hide_input=True, err=True)).strip()
    given = read_line()
    if not given:
        message = (
            f"Give the {'token' if with_token else 'key'} on standard input, or in {TOKEN if with_token else KEY}."
        )
        raise LocalError(message)
    return given
