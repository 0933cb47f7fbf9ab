"""`python -m exports tables`: saves the service's tables to a file, and loads them from it."""

from __future__ import annotations

import argparse
import base64
import json
import os
import sys
from collections.abc import Callable, Iterator, Sequence
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any, TextIO
from uuid import UUID

from exports.commands.command_line import CommandError, add_action, add_storage_option, open_account, storage_setting

if TYPE_CHECKING:
    from azure.data.tables import TableClient, TableServiceClient

FORMAT = "client-export tables 2"
"""The first line of a file says this, so that `load` refuses other files. The last one says how many rows it has."""
OWN_TABLES = (
    *("apikeys", "csvmappings", "exportaudit", "exportdeliveries", "exportjobs", "exportpages", "exportrequests"),
    *("exportschedules", "exportwatch", "scheduleruns"),
)
"""The service's tables. The account may hold others, also one of clients, which must not get into a backup."""
_ONLY_THE_OWNER = 0o600
_EXISTS = 409


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.description = (
        "Save all rows of the service's tables, or load them: API keys, jobs, page records, schedules, mappings, audit "
        "entries. The files of exports are not in it, nor the state of Durable Functions."
    )
    actions = parser.add_subparsers(required=True, metavar="action")
    save = add_action(actions, "save", _save, "write all rows to a new file that only you can read")
    load = add_action(actions, "load", _load, "add the rows of a file; a row that exists stays as it is")
    for action, help_ in ((save, "the file to write"), (load, "the file to read")):
        action.add_argument("file", type=Path, metavar="FILE", help=help_)
        action.add_argument("--table", action="append", metavar="TABLE", help="only this table; repeatable")
        add_storage_option(action)


def run(arguments: argparse.Namespace) -> int:
    """Save or load, and return the exit code."""
    tables = open_account(storage_setting(arguments)).tables
    try:
        said = arguments.act(tables, arguments.file, arguments.table)
    except FileExistsError:
        message = f"{arguments.file} exists. Name a new file."
        raise CommandError(message) from None
    except OSError as error:
        message = f"{arguments.file} cannot be used: {error.strerror or type(error).__name__}."
        raise CommandError(message) from error
    sys.stdout.write(f"{said}\n")
    return 0


def _save(tables: TableServiceClient, file: Path, wanted: list[str] | None) -> str:
    existing = {table.name for table in tables.list_tables()}
    names = [name for name in OWN_TABLES if name in existing and (wanted is None or name in wanted)]
    _refuse_unknown(wanted, names, "The account")
    with open(file, "x", encoding="utf-8", opener=_open_for_owner) as lines:  # a path's own `open` takes no opener
        try:
            rows = _write(lines, tables, names)
        except BaseException:
            file.unlink(missing_ok=True)
            raise
    return f"Saved {rows:,} rows of {len(names)} tables in {file}. It holds hashes of keys and names of tenants."


def _write(lines: TextIO, tables: TableServiceClient, names: Sequence[str]) -> int:
    """Write the first line, all rows and the last line; return the number of rows."""
    rows = 0
    lines.write(f"{json.dumps({'format': FORMAT})}\n")
    for name in names:
        for row in tables.get_table_client(name).list_entities():
            values = {key: _written(value) for key, value in row.items()}
            lines.write(f"{json.dumps({'table': name, 'row': values})}\n")
            rows += 1
    lines.write(f"{json.dumps({'rows': rows})}\n")
    return rows


def _load(tables: TableServiceClient, file: Path, wanted: list[str] | None) -> str:
    from exports.adapters.storage.schedules import rows_to_restore

    for _ in _read(file):
        pass  # nothing of a file is loaded before all of it is known to be right
    found, added, kept = set(), 0, 0
    for name, row in _read(file):
        if wanted is not None and name not in wanted:
            continue
        if name not in found:
            tables.create_table_if_not_exists(name)
            found.add(name)
        rows = rows_to_restore(row) if name == "exportschedules" else [row]
        if not rows:
            continue
        if _add(tables.get_table_client(name), *rows):
            added += len(rows)
        else:
            kept += 1
    _refuse_unknown(wanted, found, str(file))
    return f"Added {added:,} rows to {len(found)} tables. {kept:,} rows existed and stay as they are."


def _add(table: TableClient, row: dict[str, Any], *others: dict[str, Any]) -> bool:
    """Add a row, and in the same transaction other rows, which may exist. Return False if the row exists."""
    from azure.core.exceptions import ResourceExistsError
    from azure.data.tables import TableTransactionError

    try:
        if others:
            table.submit_transaction([("create", row), *(("upsert", other) for other in others)])
        else:
            table.create_entity(row)
    except ResourceExistsError:
        return False
    except TableTransactionError as error:
        if error.status_code != _EXISTS:
            raise
        return False
    return True


def _refuse_unknown(wanted: list[str] | None, found: Any, where: str) -> None:
    if missing := sorted(set(wanted or ()) - set(found)):
        message = f"{where} has no rows of {', '.join(missing)}."
        raise CommandError(message)


def _open_for_owner(path: str, flags: int) -> int:
    return os.open(path, flags, _ONLY_THE_OWNER)


def _read(file: Path) -> Iterator[tuple[str, dict[str, Any]]]:
    """Yield the table and the row of each line.

    Raises:
        CommandError: The file is not one that `save` has written, or is cut off.
    """
    number, rows, told = 1, 0, None
    try:
        with file.open(encoding="utf-8") as lines:
            if json.loads(next(lines, "null")) != {"format": FORMAT}:
                raise ValueError
            for number, line in enumerate(lines, 2):  # noqa: B007 - the message names it
                item = json.loads(line)
                if told is not None or item.get("table", OWN_TABLES[0]) not in OWN_TABLES:
                    raise ValueError
                if "rows" in item:
                    told = item["rows"]
                else:
                    yield item["table"], {key: _read_value(value) for key, value in item["row"].items()}
                    rows += 1
        if told != rows:
            raise ValueError
    except (ValueError, KeyError, TypeError, AttributeError):
        message = (
            f"{file}, line {number}, is not what `python -m exports tables save` writes, or the file is cut off. "
            "Nothing of it is loaded."
        )
        raise CommandError(message) from None


def _written(value: Any) -> Any:
    """Return a value of a row as JSON. Types that JSON does not have become an object: {type: text}."""
    if isinstance(value, bool | str) or (isinstance(value, int) and not isinstance(value, float)):
        return value
    if isinstance(value, float):
        return {"Edm.Double": repr(value)}
    if isinstance(value, datetime):
        return {"Edm.DateTime": value.isoformat()}
    if isinstance(value, bytes):
        return {"Edm.Binary": base64.b64encode(value).decode()}
    if isinstance(value, UUID):
        return {"Edm.Guid": str(value)}
    return {"Edm.Int64": str(value.value)}  # the SDK wraps integers of 64 bits


def _read_value(value: Any) -> Any:
    from azure.data.tables import EdmType, EntityProperty

    if not isinstance(value, dict):
        return value
    ((kind, text),) = value.items()
    readers: dict[str, Callable[[str], Any]] = {
        "Edm.Double": float,
        "Edm.DateTime": datetime.fromisoformat,
        "Edm.Binary": base64.b64decode,
        "Edm.Guid": UUID,
        "Edm.Int64": lambda text: EntityProperty(int(text), EdmType.INT64),
    }
    return readers[kind](text)
