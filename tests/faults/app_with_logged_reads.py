"""The real function app, but it records the beginning and the end of every read of clients in the file READ_LOG."""

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
def _logged(source: SqlClientSource) -> Iterator[Connection]:
    _log_time()
    try:
        with _connect(source) as connection:
            yield connection
    finally:
        _log_time()


def _log_time() -> None:
    with Path(os.environ["READ_LOG"]).open("a") as file:
        file.write(f"{time.time()}\n")


SqlClientSource._connection = _logged  # type: ignore[method-assign, assignment]
app = load_real_app()
