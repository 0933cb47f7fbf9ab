"""The script a user would write: a cursor, `csv.writer`, `upload_blob`."""

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
from tests.bench.rivals.common import Errand, run, statement, upload


def export(errand: Errand) -> int:
    """Write all clients to a file, then upload it."""
    with tempfile.NamedTemporaryFile("w", encoding="utf-8", newline="") as file, _rows(errand) as rows:
        writer = csv.writer(file)
        writer.writerow([field.value for field in TargetField])
        count = 0
        for row in rows:
            writer.writerow(row)
            count += 1
        file.flush()
        upload(errand, Path(file.name))
    return count


@contextmanager
def _rows(errand: Errand) -> Iterator[Iterable[Sequence[Any]]]:
    if errand.database.startswith("sqlite:///"):
        with closing(sqlite3.connect(errand.database.removeprefix("sqlite:///"))) as database:
            yield database.execute(statement("sqlite", f"tenant = '{errand.tenant}'"))
        return
    with psycopg.connect(errand.database) as connection, connection.cursor("clients") as cursor:
        cursor.itersize = 2_000
        cursor.execute(statement("postgresql", f"tenant = '{errand.tenant}'").encode())
        yield cursor


if __name__ == "__main__":
    run(export)
