"""`python -m exports keys`: makes, lists, rotates and revokes API keys."""

from __future__ import annotations

import argparse
import re
import sys
from collections.abc import Callable, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any

from pydantic import TypeAdapter, ValidationError

from exports.commands.command_line import (
    CommandError,
    add_action,
    add_storage_option,
    open_account,
    storage_setting,
)
from exports.request.scopes import ALL_SCOPES, Scope
from shared.api_keys import (
    MAX_NAME_CHARACTERS,
    ApiKey,
    KeyChanges,
    KeyNotFoundError,
    KeyState,
    KeyStore,
    KeyText,
    Tenant,
    make_key,
    new_key_text,
    valid_successor,
)
from shared.models import rfc3339
from shared.text import printable

_DEFAULT_SCOPES = (Scope.EXPORTS_READ.value, Scope.EXPORTS_WRITE.value)
_DEFAULT_OVERLAP = "7d"
_UNITS = {"d": "days", "h": "hours", "m": "minutes"}
_TENANT: TypeAdapter[str] = TypeAdapter(Tenant)
OpenStore = Callable[[str], KeyStore]
_Action = Callable[[KeyStore, argparse.Namespace, datetime], None]


def add_arguments(parser: argparse.ArgumentParser) -> None:
    actions = parser.add_subparsers(required=True, metavar="action")
    create = _add_action(actions, "create", _create, "make a key, and print it once")
    create.add_argument("--name", required=True, help="the caller that uses the key")
    create.add_argument(
        "--tenant",
        required=True,
        action="append",
        dest="tenants",
        metavar="TENANT",
        help="tenant that the key gives access to; repeatable",
    )
    create.add_argument(
        "--scope",
        action="append",
        dest="scopes",
        metavar="SCOPE",
        help=f"what the key permits; repeatable: {', '.join(ALL_SCOPES)} (default: {' and '.join(_DEFAULT_SCOPES)})",
    )
    create.add_argument(
        "--expires",
        metavar="WHEN",
        help="a date (the key expires as it begins, UTC), or a duration such as 90d or 12h (default: never)",
    )
    _add_action(actions, "list", _list, "show all keys, and when each was last used")
    revoke = _add_action(actions, "revoke", _revoke, "revoke a key permanently; this takes effect within a minute")
    rotate = _add_action(actions, "rotate", _rotate, "make a new key with the same rights, and let the old one expire")
    for action in (revoke, rotate):
        action.add_argument("id", metavar="ID", help="the middle part of the key, which `list` shows")
    rotate.add_argument(
        "--overlap",
        default=_DEFAULT_OVERLAP,
        metavar="DURATION",
        help="how long the old key stays valid (default: %(default)s)",
    )


def _add_action(actions: Any, name: str, act: _Action, summary: str) -> argparse.ArgumentParser:
    action = add_action(actions, name, act, summary)
    add_storage_option(action)
    return action


def open_storage_keys(storage: str) -> KeyStore:
    """Open the key store of a storage account. Does not connect yet."""
    from shared.table_keys import TableKeyStore

    return TableKeyStore(open_account(storage))


def run(arguments: argparse.Namespace, open_store: OpenStore | None = None) -> int:
    """Run one action, and return the exit code."""
    try:
        arguments.act((open_store or open_storage_keys)(storage_setting(arguments)), arguments, datetime.now(UTC))
    except KeyNotFoundError as error:
        message = f"There is no key {arguments.id}; `keys list` shows all keys."
        raise CommandError(message) from error
    return 0


def _create(store: KeyStore, arguments: argparse.Namespace, now: datetime) -> None:
    expires = arguments.expires and _moment(arguments.expires, now)
    name = arguments.name.strip()
    if not 0 < len(name) <= MAX_NAME_CHARACTERS:
        message = f"A name has 1 to {MAX_NAME_CHARACTERS} characters."
        raise CommandError(message)
    _issue(store, name, _tenants(arguments.tenants), _scopes(arguments.scopes or _DEFAULT_SCOPES), now, expires)


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


def _revoke(store: KeyStore, arguments: argparse.Namespace, now: datetime) -> None:
    key = store.change(arguments.id, lambda key: key.revoke(now))
    sys.stderr.write(f"{key.id} ({printable(key.name)}) is revoked. The service stops accepting it within a minute.\n")


def _rotate(store: KeyStore, arguments: argparse.Namespace, now: datetime) -> None:
    """Make the new key and change the expiry of the old one, both or neither."""
    until = now + _duration(arguments.overlap)
    text = new_key_text()

    def decide(keys: list[ApiKey]) -> KeyChanges:
        old = next((key for key in keys if key.id == arguments.id), None)
        if old is None:
            raise KeyNotFoundError(arguments.id)
        if old.state(now) is not KeyState.ACTIVE:
            message = f"{old.id} is {old.state(now)}; make a new key with `keys create`."
            raise CommandError(message)
        if successor := valid_successor(old, keys, now):
            message = (
                f"{old.id} was rotated, and {successor.id} replaces it. If nobody has that key, rotate it in turn."
            )
            raise CommandError(message)
        expires = old.successor_expires(now)
        new, _ = make_key(old.name, old.tenants, old.scopes, now, expires, text=text)
        return KeyChanges((old.replace(new, until),), (new,))

    changes = store.decide(decide)
    (new,), (old,) = changes.added, changes.changed
    _show_new(new, text)
    sys.stderr.write(f"The old key {old.id} expires {rfc3339(old.expires or until)}.\n")


def _issue(
    store: KeyStore, name: str, tenants: Sequence[str], scopes: Sequence[str], now: datetime, expires: datetime | None
) -> None:
    key, text = make_key(name, tenants, scopes, now, expires)
    while not store.add(key):
        key, text = make_key(name, tenants, scopes, now, expires)
    _show_new(key, text)


def _show_new(key: ApiKey, text: KeyText) -> None:
    until = f"until {rfc3339(key.expires)}" if key.expires else "until it is revoked"
    sys.stderr.write(
        f"A key for {', '.join(key.tenants)} with {', '.join(key.scopes)}, valid {until}. It is shown only once:\n"
    )
    sys.stdout.write(f"{text}\n")
    sys.stdout.flush()


def _row(key: ApiKey, now: datetime) -> tuple[str, ...]:
    moments = (key.created, key.expires, key.last_used)
    shown = (f"{moment.astimezone(UTC):%Y-%m-%d %H:%M}" if moment else "never" for moment in moments)
    return (
        key.id,
        printable(key.name),
        ",".join(key.tenants),
        printable(",".join(key.scopes)),
        key.state(now).value,
        *shown,
    )


def _tenants(given: Sequence[str]) -> list[str]:
    for tenant in given:
        try:
            _TENANT.validate_python(tenant)
        except ValidationError:
            message = (
                f"{tenant!r} is not a valid tenant: use letters, digits and . _ - only, at most 63 characters, "
                "and begin with a letter or digit."
            )
            raise CommandError(message) from None
    return list(dict.fromkeys(given))


def _scopes(given: Sequence[str]) -> list[str]:
    unknown = [scope for scope in given if scope not in ALL_SCOPES]
    if unknown:
        message = f"There is no scope {', '.join(map(repr, unknown))}; the scopes are {', '.join(ALL_SCOPES)}."
        raise CommandError(message)
    return list(dict.fromkeys(given))


def _moment(text: str, now: datetime) -> datetime:
    try:
        moment = datetime.fromisoformat(text)
    except ValueError:
        moment = now + _duration(text)
    moment = moment if moment.tzinfo else moment.replace(tzinfo=UTC)
    if moment <= now:
        message = f"{text} is not in the future."
        raise CommandError(message)
    return moment


def _duration(text: str) -> timedelta:
    parts = re.fullmatch(r"(\d{1,5})([dhm])", text)
    if parts is None:
        message = f"{text!r} is not a duration: write 90d, 12h or 30m. --expires also takes a date: 2030-01-31."
        raise CommandError(message)
    return timedelta(**{_UNITS[parts[2]]: int(parts[1])})
