"""Exports with the script that a user would write first: a cursor, `csv.writer`, `upload_blob`."""

from __future__ import annotations

import csv
import sqlite3
import tempfile
from collections.abc import Iterable, Iterator, Sequence
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Any

import psycopg

from exports.request.fields import TargetField
from tests.bench.rivals.common import ExportInput, run, statement, upload


def export(source: ExportInput) -> int:
    """Write all clients to a file, then upload it."""
    with tempfile.NamedTemporaryFile("w", encoding="utf-8", newline="") as file, _rows(source) as rows:
        writer = csv.writer(file)
        writer.writerow([field.value for field in TargetField])
        count = 0
        for row in rows:
            writer.writerow(row)
            count += 1
        file.flush()
        upload(source, Path(file.name))
    return count


@contextmanager
def _rows(source: ExportInput) -> Iterator[Iterable[Sequence[Any]]]:
    if source.database.startswith("sqlite:///"):
        with closing(sqlite3.connect(source.database.removeprefix("sqlite:///"))) as database:
            yield database.execute(statement("sqlite", f"tenant = '{source.tenant}'"))
        return
    with psycopg.connect(source.database) as connection, connection.cursor("clients") as cursor:
        cursor.itersize = 2_000
        cursor.execute(statement("postgresql", f"tenant = '{source.tenant}'").encode())
        yield cursor


if __name__ == "__main__":
    run(export)
