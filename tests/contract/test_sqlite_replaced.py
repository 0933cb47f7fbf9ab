"""A SQLite file that is replaced, copied over or restored is seen at the next read; changes of its clients are not."""

from __future__ import annotations

import shutil
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from exports.errors import SourceMismatchError
from exports.file.ranges import KeyRange
from exports.ports.clients import ClientSelection
from tests.contract.sqlite_files import SqliteFile
from tests.contract.viewed_clients import TENANT

SELECTION = ClientSelection(TENANT, ("code", "name"))


def _filled(path: Path, name: str, rows: int = 3) -> SqliteFile:
    file = SqliteFile(path)
    file.fill([{"code": f"C{number:05}", "name": name} for number in range(rows)])
    return file


@pytest.fixture
def file(tmp_path: Path) -> SqliteFile:
    return _filled(tmp_path / "clients.sqlite", "old")


def _names(file: SqliteFile) -> set[str]:
    return {row[1] for rows in file.source.read(SELECTION, KeyRange()) for row in rows}


def _replace(file: SqliteFile, newer: SqliteFile) -> None:
    newer.path.replace(file.path)


def _copy_over(file: SqliteFile, newer: SqliteFile) -> None:
    shutil.copyfile(newer.path, file.path)


WAYS: dict[str, Callable[[SqliteFile, SqliteFile], None]] = {"os.replace": _replace, "cp": _copy_over}


@pytest.mark.parametrize("way", WAYS)
def test_a_file_that_was_replaced_is_read_at_once(file: SqliteFile, tmp_path: Path, way: str) -> None:
    assert _names(file) == {"old"}
    before = file.source.generation()
    assert before is not None

    WAYS[way](file, _filled(tmp_path / "new.sqlite", "NEW", 5))

    assert _names(file) == {"NEW"}
    assert file.source.is_replaced(before)
    assert file.source.find_boundaries(SELECTION, 10).total_rows == 5


@pytest.mark.parametrize("log", ["DELETE", "WAL"])
def test_changes_of_clients_do_not_replace_the_file(file: SqliteFile, log: str) -> None:
    file.run(f"PRAGMA journal_mode = {log}")
    before = file.source.generation()
    assert before is not None

    for code in ("C00000", "C00001"):
        file.run(f"UPDATE kept SET name = 'changed' WHERE code = '{code}'")
    file.run("VACUUM")

    assert not file.source.is_replaced(before)
    assert _names(file) == {"old", "changed"}


def test_a_restored_backup_replaces_the_file(file: SqliteFile, tmp_path: Path) -> None:
    shutil.copyfile(file.path, tmp_path / "backup.sqlite")
    file.run("UPDATE kept SET name = 'later'")
    before = file.source.generation()
    assert before is not None

    shutil.copyfile(tmp_path / "backup.sqlite", file.path)

    assert file.source.is_replaced(before)
    assert _names(file) == {"old"}


def test_a_read_in_progress_ends_with_the_clients_of_one_file(tmp_path: Path) -> None:
    file = _filled(tmp_path / "clients.sqlite", "old", 9_000)
    before = file.source.generation()
    assert before is not None
    lists: Iterator[list[tuple[str, str]]] = file.source.read(SELECTION, KeyRange())  # type: ignore[assignment]
    names = {name for _, name in next(lists)}

    _replace(file, _filled(tmp_path / "new.sqlite", "NEW", 9_000))
    names |= {name for rows in lists for _, name in rows}

    assert names == {"old"}
    assert file.source.is_replaced(before)


def test_a_link_to_a_newer_file_replaces_the_file(file: SqliteFile, tmp_path: Path) -> None:
    newer = _filled(tmp_path / "new.sqlite", "NEW")
    link = tmp_path / "current.sqlite"
    link.symlink_to(file.path)
    linked = SqliteFile(link)
    before = linked.source.generation()
    assert before is not None

    (tmp_path / "link").symlink_to(newer.path)
    (tmp_path / "link").replace(link)

    assert linked.source.is_replaced(before)
    assert _names(linked) == {"NEW"}


def test_a_file_that_is_no_database_any_more_is_no_retry(file: SqliteFile) -> None:
    before = file.source.generation()
    assert before is not None
    file.path.write_bytes(b"")

    with pytest.raises(SourceMismatchError, match="no view clients"):
        file.source.find_boundaries(SELECTION, 10)
    assert file.source.is_replaced(before)
