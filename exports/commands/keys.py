"""`python -m exports keys`: make, list, rotate and revoke API keys."""

from __future__ import annotations

import argparse
import re
import sys
from collections.abc import Callable, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any

from pydantic import TypeAdapter, ValidationError

from exports.commands.storage import CommandError, add_storage, open_account, refuse, storage_of
from exports.request.scopes import ALL_SCOPES, Scope
from shared.api_keys import (
    MAX_NAME_CHARACTERS,
    ApiKey,
    KeyNotFoundError,
    KeyState,
    KeyStore,
    KeysUnavailableError,
    Tenant,
    make_key,
)
from shared.models import rfc3339

_USUAL_SCOPES = (Scope.EXPORTS_READ.value, Scope.EXPORTS_WRITE.value)
_USUAL_OVERLAP = "7d"
_UNITS = {"d": "days", "h": "hours", "m": "minutes"}
_TENANT: TypeAdapter[str] = TypeAdapter(Tenant)
_HOW_TO_SIGN_IN = "By identity: az login as one who has the role Storage Table Data Contributor there."
_WHERE = "--storage or EXPORT_STORAGE"
OpenStore = Callable[[str], KeyStore]
_Action = Callable[[KeyStore, argparse.Namespace, datetime], None]


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Say what the command takes."""
    actions = parser.add_subparsers(required=True, metavar="action")
    create = _add_action(actions, "create", _create, "make a key, and print it this once")
    create.add_argument("--name", required=True, help="who calls with it")
    create.add_argument(
        "--tenant", required=True, action="append", dest="tenants", metavar="TENANT", help="what it opens; repeatable"
    )
    create.add_argument(
        "--scope",
        action="append",
        dest="scopes",
        metavar="SCOPE",
        help=f"what it may do there; repeatable: {', '.join(ALL_SCOPES)} (default: {' and '.join(_USUAL_SCOPES)})",
    )
    create.add_argument(
        "--expires", metavar="WHEN", help="a date (its first moment, UTC), or 90d, 12h (default: never)"
    )
    _add_action(actions, "list", _list, "show all keys, and when each was used last")
    revoke = _add_action(actions, "revoke", _revoke, "take a key back, within a minute and for ever")
    rotate = _add_action(actions, "rotate", _rotate, "make a successor, and let the old key expire")
    for action in (revoke, rotate):
        action.add_argument("id", metavar="ID", help="as `list` shows it: the middle part of the key")
    rotate.add_argument(
        "--overlap", default=_USUAL_OVERLAP, metavar="SPAN", help="how long both are good (default: %(default)s)"
    )


def _add_action(actions: Any, name: str, act: _Action, summary: str) -> argparse.ArgumentParser:
    action: argparse.ArgumentParser = actions.add_parser(name, help=summary, description=summary)
    add_storage(action)
    action.set_defaults(act=act)
    return action


def open_store_of(storage: str) -> KeyStore:
    """Open the keys of a storage account; connects to nothing yet."""
    from shared.table_keys import TableKeyStore

    return TableKeyStore(open_account(storage))


def run(arguments: argparse.Namespace, open_store: OpenStore | None = None) -> int:
    """Carry out one action; return the exit code."""
    from azure.core.exceptions import AzureError

    try:
        arguments.act((open_store or open_store_of)(storage_of(arguments)), arguments, datetime.now(UTC))
    except CommandError as error:
        return refuse(str(error))
    except KeysUnavailableError as error:
        return refuse(f"{error} Is it the right one ({_WHERE}), and can it be reached?")
    except KeyNotFoundError:
        return refuse(f"There is no key {arguments.id}; `keys list` shows those there are.")
    except AzureError as error:
        code = getattr(error, "error_code", None) or type(error).__name__
        return refuse(f"Storage refused ({code}). {_HOW_TO_SIGN_IN}")
    return 0


def _create(store: KeyStore, asked: argparse.Namespace, now: datetime) -> None:
    expires = asked.expires and _moment(asked.expires, now)
    name = asked.name.strip()
    if not 0 < len(name) <= MAX_NAME_CHARACTERS:
        message = f"A name has 1 to {MAX_NAME_CHARACTERS} characters."
        raise CommandError(message)
    _issue(store, name, _tenants(asked.tenants), _scopes(asked.scopes or _USUAL_SCOPES), now, expires)


def _list(store: KeyStore, _: argparse.Namespace, now: datetime) -> None:
    keys = store.list()
    if not keys:
        sys.stderr.write("There are no keys yet; `keys create` makes one.\n")
        return
    head = ("ID", "NAME", "TENANTS", "SCOPES", "STATE", "CREATED", "EXPIRES", "LAST USED")
    rows = [head, *(_row(key, now) for key in keys)]
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    for row in rows:
        sys.stdout.write("  ".join(map(str.ljust, row, widths)).rstrip() + "\n")


def _revoke(store: KeyStore, asked: argparse.Namespace, now: datetime) -> None:
    key = store.change(asked.id, lambda key: key.model_copy(update={"revoked": key.revoked or now}))
    sys.stderr.write(f"{key.id} ({key.name}) is revoked; within a minute it opens nothing.\n")


def _rotate(store: KeyStore, asked: argparse.Namespace, now: datetime) -> None:
    """The successor comes first: should the second step fail, two keys are good, and both owners know theirs."""
    until = now + _span(asked.overlap)
    old = store.get(asked.id)
    if old is None:
        raise KeyNotFoundError(asked.id)
    if old.state(now) is not KeyState.ACTIVE:
        message = f"{old.id} is {old.state(now)}; make a new key with `keys create`."
        raise CommandError(message)
    _issue(store, old.name, old.tenants, old.scopes, now, old.expires and now + (old.expires - old.created))
    old = store.change(old.id, lambda key: key.model_copy(update={"expires": min(key.expires or until, until)}))
    sys.stderr.write(f"The old key {old.id} expires {rfc3339(old.expires or until)}.\n")


def _issue(
    store: KeyStore, name: str, tenants: Sequence[str], scopes: Sequence[str], now: datetime, expires: datetime | None
) -> None:
    key, text = make_key(name, tenants, scopes, now, expires)
    while not store.add(key):
        key, text = make_key(name, tenants, scopes, now, expires)
    until = f"until {rfc3339(expires)}" if expires else "until it is revoked"
    sys.stderr.write(f"A key for {', '.join(tenants)} with {', '.join(scopes)}, {until}. It is shown this once:\n")
    sys.stdout.write(f"{text}\n")
    sys.stdout.flush()


def _row(key: ApiKey, now: datetime) -> tuple[str, ...]:
    moments = (key.created, key.expires, key.last_used)
    shown = (f"{moment.astimezone(UTC):%Y-%m-%d %H:%M}" if moment else "never" for moment in moments)
    return (key.id, key.name, ",".join(key.tenants), ",".join(key.scopes), key.state(now).value, *shown)


def _tenants(asked: Sequence[str]) -> list[str]:
    for tenant in asked:
        try:
            _TENANT.validate_python(tenant)
        except ValidationError:
            message = (
                f"{tenant!r} cannot be a tenant: letters, digits, . _ - only, 63 at most, a letter or digit first."
            )
            raise CommandError(message) from None
    return list(dict.fromkeys(asked))


def _scopes(asked: Sequence[str]) -> list[str]:
    unknown = [scope for scope in asked if scope not in ALL_SCOPES]
    if unknown:
        message = f"There is no scope {', '.join(map(repr, unknown))}; there are {', '.join(ALL_SCOPES)}."
        raise CommandError(message)
    return list(dict.fromkeys(asked))


def _moment(text: str, now: datetime) -> datetime:
    try:
        moment = datetime.fromisoformat(text)
    except ValueError:
        moment = now + _span(text)
    moment = moment if moment.tzinfo else moment.replace(tzinfo=UTC)
    if moment <= now:
        message = f"{text} is not in the future."
        raise CommandError(message)
    return moment


def _span(text: str) -> timedelta:
    parts = re.fullmatch(r"(\d{1,5})([dhm])", text)
    if parts is None:
        message = f"{text!r} is no span of time: write 90d, 12h or 30m; for --expires also a date, 2030-01-31."
        raise CommandError(message)
    return timedelta(**{_UNITS[parts[2]]: int(parts[1])})
