"""`python -m exports tables` saves the tables, and a system on another account goes on with what was loaded."""

from __future__ import annotations

import json
import stat
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from uuid import UUID, uuid4

import pytest
from azure.data.tables import EdmType, EntityProperty, UpdateMode

from devhost.local.azurite import Azurite, start_azurite
from exports.commands.tables import FORMAT
from shared.storage import StorageAccount
from tests.support.commands import Finished, run_command
from tests.support.system import NORTHWIND, NORTHWIND_KEY, System, app_settings, running_system

EXPORTS = f"/tenants/{NORTHWIND}/clients/export/csv"
SCHEDULES = f"/tenants/{NORTHWIND}/clients/export/schedules"
ROW = {
    "PartitionKey": "p",
    "RowKey": "r",
    "text": 'Zoë "1"\n',
    "yes": True,
    "small": -7,
    "large": EntityProperty(1 << 40, EdmType.INT64),
    "share": 0.1,
    "moment": datetime(2026, 1, 31, 9, 0, 0, 123456, tzinfo=UTC),
    "bytes": b"\x00\xff",
    "id": UUID(int=5),
}


@pytest.fixture(scope="module")
def empty_storage(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Azurite]:
    """An account without tables, as after a new deployment."""
    emulator = start_azurite(tmp_path_factory.mktemp("empty"))
    yield emulator
    emulator.stop()


def tables(action: str, file: Path, storage: str, *options: str) -> Finished:
    return run_command("tables", action, str(file), "--storage", storage, *options)


def rows_of(storage: str, table: str) -> list[dict[str, Any]]:
    return sorted(map(dict, StorageAccount(storage).tables.get_table_client(table).list_entities()), key=str)


@pytest.fixture
def table(azurite: Azurite) -> str:
    """The name of a table with a row that has a value of every type."""
    name = f"backup{uuid4().hex}"
    StorageAccount(azurite.connection_string).tables.create_table(name).create_entity(ROW)
    return name


def test_every_type_of_value_is_the_same_after_a_restore(
    azurite: Azurite, empty_storage: Azurite, table: str, tmp_path: Path
) -> None:
    file = tmp_path / "tables.jsonl"
    assert tables("save", file, azurite.connection_string, "--table", table).code == 0
    assert tables("load", file, empty_storage.connection_string).code == 0
    (loaded,) = rows_of(empty_storage.connection_string, table)
    assert loaded == ROW
    assert {name: type(value) for name, value in loaded.items() if isinstance(value, bool | int)} == {
        "yes": bool,
        "small": int,
    }


def test_a_row_that_exists_stays_as_it_is(azurite: Azurite, table: str, tmp_path: Path) -> None:
    file = tmp_path / "tables.jsonl"
    tables("save", file, azurite.connection_string, "--table", table)
    changed = {"PartitionKey": "p", "RowKey": "r", "text": "revoked since"}
    StorageAccount(azurite.connection_string).tables.get_table_client(table).upsert_entity(changed, UpdateMode.REPLACE)
    done = tables("load", file, azurite.connection_string)
    assert "Added 0 rows" in done.out
    assert "1 rows existed" in done.out
    assert rows_of(azurite.connection_string, table) == [changed]


def test_only_the_owner_can_read_the_file_and_no_file_is_overwritten(
    azurite: Azurite, table: str, tmp_path: Path
) -> None:
    file = tmp_path / "tables.jsonl"
    tables("save", file, azurite.connection_string, "--table", table)
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    again = tables("save", file, azurite.connection_string, "--table", table)
    assert (again.code, again.err) == (1, f"{file} exists. Name a new file.\n")


@pytest.mark.parametrize(
    ("content", "line"),
    [
        ("", 1),
        ("{}", 1),
        ("[]", 1),
        ("code;name", 1),
        (json.dumps({"format": FORMAT}) + '\n{"table": "backupx", "row"', 2),
        (json.dumps({"format": FORMAT}) + '\n{"table": "backupx", "row": {"a": {"Edm.New": "1"}}}', 2),
    ],
)
def test_a_file_of_another_kind_is_refused_with_its_line(
    content: str, line: int, azurite: Azurite, tmp_path: Path
) -> None:
    file = tmp_path / "other.txt"
    file.write_text(content, encoding="utf-8")
    done = tables("load", file, azurite.connection_string)
    assert done.code == 1
    assert f"{file}, line {line}, is not what" in done.err
    assert "Traceback" not in done.err


def test_an_unknown_table_and_a_missing_file_are_named(azurite: Azurite, tmp_path: Path) -> None:
    unknown = tables("save", tmp_path / "a", azurite.connection_string, "--table", "nosuchtable")
    assert unknown.err == "The account has no rows of nosuchtable.\n"
    missing = tables("load", tmp_path / "b", azurite.connection_string)
    assert "cannot be used: No such file or directory." in missing.err


@pytest.mark.thorough
@pytest.mark.slow
def test_a_system_on_a_new_account_goes_on_with_the_loaded_tables(
    tmp_path: Path, database_url: str, empty_storage: Azurite
) -> None:
    file = tmp_path / "tables.jsonl"
    (tmp_path / "old").mkdir()
    with running_system(tmp_path / "old", database_url, workers=1) as old:
        schedule = old.call("POST", SCHEDULES, {"name": "Mondays", "cron": "0 7 * * MON"}, key=NORTHWIND_KEY)
        job = old.start_export({}).json
        saved = tables("save", file, old.storage)
        assert saved.code == 0, saved.err
    loaded = tables("load", file, empty_storage.connection_string)
    assert loaded.code == 0, loaded.err
    (tmp_path / "new").mkdir()
    new = System(tmp_path / "new", app_settings(empty_storage.connection_string, database_url), workers=1)
    try:
        new.start_and_wait()
        listed = new.call("GET", EXPORTS, key=NORTHWIND_KEY).json["data"]
        assert [shown["code"] for shown in listed] == [job["code"]]
        url = f"{SCHEDULES}/{schedule.json['code']}"
        assert new.call("GET", url, key=NORTHWIND_KEY).json["name"] == "Mondays"
        assert new.start_export({}, key=NORTHWIND_KEY, prefer="wait=60").status == 201
    finally:
        new.discard()
