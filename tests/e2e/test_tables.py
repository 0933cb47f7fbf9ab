"""`python -m exports tables` saves the tables, and a system on another account goes on with what was loaded."""

from __future__ import annotations

import json
import stat
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from uuid import UUID

import pytest
from azure.data.tables import EdmType, EntityProperty, UpdateMode

from devhost.local.azurite import Azurite, start_azurite
from exports.__main__ import main
from exports.adapters.storage.schedules import TableScheduleStore
from exports.commands.tables import FORMAT
from exports.schedules.schedule import ScheduleState
from shared.storage import StorageAccount
from tests.support.builders import NOON, a_schedule
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


CLIENT = {"PartitionKey": "northwind", "RowKey": "C1", "ni_number": "QQ123456C"}
FIRST_LINE = json.dumps({"format": FORMAT})
ITEM = json.dumps({"table": "csvmappings", "row": {"PartitionKey": "p", "RowKey": "r"}})


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


@pytest.fixture(scope="module")
def full_storage(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Azurite]:
    """An account with a table of clients beside those of the service."""
    emulator = start_azurite(tmp_path_factory.mktemp("full"))
    StorageAccount(emulator.connection_string).tables.create_table("clients").create_entity(CLIENT)
    yield emulator
    emulator.stop()


@pytest.fixture
def table(full_storage: Azurite) -> str:
    """The name of a table of the service with one row, which has a value of every type."""
    account = StorageAccount(full_storage.connection_string)
    account.tables.create_table_if_not_exists("csvmappings").upsert_entity(ROW, UpdateMode.REPLACE)
    return "csvmappings"


def test_every_type_of_value_is_the_same_after_a_restore(
    full_storage: Azurite, empty_storage: Azurite, table: str, tmp_path: Path
) -> None:
    file = tmp_path / "tables.jsonl"
    assert tables("save", file, full_storage.connection_string, "--table", table).code == 0
    assert tables("load", file, empty_storage.connection_string).code == 0
    (loaded,) = rows_of(empty_storage.connection_string, table)
    assert loaded == ROW
    assert {name: type(value) for name, value in loaded.items() if isinstance(value, bool | int)} == {
        "yes": bool,
        "small": int,
    }


def test_a_row_that_exists_stays_as_it_is(full_storage: Azurite, table: str, tmp_path: Path) -> None:
    file = tmp_path / "tables.jsonl"
    tables("save", file, full_storage.connection_string, "--table", table)
    changed = {"PartitionKey": "p", "RowKey": "r", "text": "revoked since"}
    StorageAccount(full_storage.connection_string).tables.get_table_client(table).upsert_entity(
        changed, UpdateMode.REPLACE
    )
    done = tables("load", file, full_storage.connection_string)
    assert "Added 0 rows" in done.out
    assert "1 rows existed" in done.out
    assert rows_of(full_storage.connection_string, table) == [changed]


@pytest.fixture
def schedules(empty_storage: Azurite) -> Iterator[TableScheduleStore]:
    account = StorageAccount(empty_storage.connection_string)
    yield TableScheduleStore(account)
    account.tables.delete_table("exportschedules")


def test_a_loaded_schedule_is_due_as_its_own_row_says(
    schedules: TableScheduleStore, empty_storage: Azurite, tmp_path: Path
) -> None:
    file, minute = tmp_path / "tables.jsonl", timedelta(minutes=1)
    moved, lost, stopped = (a_schedule(state=ScheduleState(next_slot=NOON)) for _ in range(3))
    for schedule in (moved, lost, stopped):
        schedules.create(schedule)
    tables("save", file, empty_storage.connection_string, "--table", "exportschedules")
    text = file.read_text(encoding="utf-8")
    due_row = next(row["RowKey"] for row in map(row_of, text.splitlines()) if is_due_row(row, lost.code))
    file.write_text(text.replace(due_row, due_row.replace("due|2026", "due|2025")), encoding="utf-8")
    schedules.change(moved.tenant, moved.code, lambda found: found.with_state(next_slot=NOON + minute))
    schedules.change(stopped.tenant, stopped.code, lambda found: found.with_state(next_slot=None))
    schedules.delete(lost.tenant, lost.code, lambda _: None)

    loaded = tables("load", file, empty_storage.connection_string)

    assert "Added 2 rows to 1 tables. 2 rows existed" in loaded.out, loaded.err
    assert schedules.get(lost.tenant, lost.code) == lost
    assert list(schedules.due(NOON - minute)) == []
    assert [ref.code for ref in schedules.due(NOON)] == [lost.code]
    assert [ref.code for ref in schedules.due(NOON + minute)] == [lost.code, moved.code]


def row_of(line: str) -> dict[str, Any]:
    """Return the row of a line of a backup; an empty one for the first and the last line."""
    row: dict[str, Any] = json.loads(line).get("row", {})
    return row


def is_due_row(row: dict[str, Any], code: str) -> bool:
    key: str = row.get("RowKey", "")
    return key.startswith("due|") and key.endswith(code)


def test_only_the_owner_can_read_the_file_and_no_file_is_overwritten(
    full_storage: Azurite, table: str, tmp_path: Path
) -> None:
    file = tmp_path / "tables.jsonl"
    tables("save", file, full_storage.connection_string, "--table", table)
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    again = tables("save", file, full_storage.connection_string, "--table", table)
    assert (again.code, again.err) == (1, f"{file} exists. Name a new file.\n")


def test_a_backup_has_no_table_of_clients(full_storage: Azurite, table: str, tmp_path: Path) -> None:
    file = tmp_path / "tables.jsonl"
    assert tables("save", file, full_storage.connection_string).code == 0
    assert "QQ123456C" not in file.read_text(encoding="utf-8")
    assert {json.loads(line).get("table") for line in file.read_text(encoding="utf-8").splitlines()} == {None, table}


def test_a_backup_that_breaks_off_leaves_no_file(
    full_storage: Azurite, table: str, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    def broken(value: object) -> object:
        raise ConnectionResetError

    monkeypatch.setattr("exports.commands.tables._written", broken)
    command = ["tables", "save", str(tmp_path / "tables.jsonl"), "--storage", full_storage.connection_string]
    assert main([*command, "--table", table]) == 1
    assert list(tmp_path.iterdir()) == []


def test_nothing_of_a_file_that_was_cut_off_is_loaded(
    full_storage: Azurite, empty_storage: Azurite, table: str, tmp_path: Path
) -> None:
    file = tmp_path / "tables.jsonl"
    assert tables("save", file, full_storage.connection_string, "--table", table).code == 0
    lines = file.read_text(encoding="utf-8").splitlines(keepends=True)
    StorageAccount(empty_storage.connection_string).tables.delete_table(table)
    for count in range(len(lines)):
        file.write_text("".join(lines[:count]), encoding="utf-8")
        done = tables("load", file, empty_storage.connection_string)
        assert (done.code, done.out) == (1, "")
        assert "cut off. Nothing of it is loaded." in done.err
    existing = {each.name for each in StorageAccount(empty_storage.connection_string).tables.list_tables()}
    assert table not in existing


@pytest.mark.parametrize(
    ("content", "line"),
    [
        ("", 1),
        ("{}", 1),
        ("[]", 1),
        ("code;name", 1),
        (f'{FIRST_LINE}\n{{"table": "csvmappings", "row"', 2),
        (f'{FIRST_LINE}\n{{"table": "csvmappings", "row": {{"a": {{"Edm.New": "1"}}}}}}', 2),
        (f'{FIRST_LINE}\n{{"table": "clients", "row": {{}}}}\n{{"rows": 1}}', 2),
        (f'{FIRST_LINE}\n{ITEM}\n{{"rows": 2}}', 3),
        (f'{FIRST_LINE}\n{ITEM}\n{{"rows": 1}}\n{ITEM}', 4),
    ],
)
def test_a_file_of_another_kind_is_refused_with_its_line(
    content: str, line: int, full_storage: Azurite, tmp_path: Path
) -> None:
    file = tmp_path / "other.txt"
    file.write_text(content, encoding="utf-8")
    done = tables("load", file, full_storage.connection_string)
    assert done.code == 1
    assert f"{file}, line {line}, is not what" in done.err
    assert "Traceback" not in done.err


def test_an_unknown_table_and_a_missing_file_are_named(full_storage: Azurite, tmp_path: Path) -> None:
    unknown = tables("save", tmp_path / "a", full_storage.connection_string, "--table", "nosuchtable")
    assert unknown.err == "The account has no rows of nosuchtable.\n"
    missing = tables("load", tmp_path / "b", full_storage.connection_string)
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
