"""The real function app, but the beginning and the end of every read of clients is noted in the file WATCHED_READS."""

from __future__ import annotations

import os
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from sqlalchemy import Connection

from exports.adapters.clients_sql.source import SqlClientSource
from tests.faults.real_app import load_real_app

_connect = SqlClientSource._connection


@contextmanager
def _watched(source: SqlClientSource) -> Iterator[Connection]:
    _note()
    try:
        with _connect(source) as connection:
            yield connection
    finally:
        _note()


def _note() -> None:
    with Path(os.environ["WATCHED_READS"]).open("a") as file:
        file.write(f"{time.time()}\n")


SqlClientSource._connection = _watched  # type: ignore[method-assign, assignment]
app = load_real_app()
