"""A reader of a SQLite file keeps its lock while other threads of the process look at the same file."""

from __future__ import annotations

import sqlite3
import subprocess
import sys
from contextlib import closing
from pathlib import Path

from exports.adapters.clients_sql.source import SqlClientSource

_WRITE = (
    "import sqlite3, sys; sqlite3.connect(sys.argv[1], timeout=0, isolation_level=None).execute('DELETE FROM clients')"
)


def another_process_can_write(path: Path) -> bool:
    """Let another process write. SQLite keeps the locks of one process from itself, so this one would show nothing."""
    done = subprocess.run([sys.executable, "-c", _WRITE, path], capture_output=True, text=True, check=False)
    assert done.returncode == 0 or "database is locked" in done.stderr, done.stderr
    return done.returncode == 0


def test_looking_at_a_file_lets_no_writer_in_while_it_is_read(tmp_path: Path) -> None:
    path = tmp_path / "clients.sqlite"
    with closing(sqlite3.connect(path)) as connection:
        connection.execute("CREATE TABLE clients (tenant TEXT, code TEXT)")
    with (
        closing(sqlite3.connect(path, isolation_level=None)) as reader,
        closing(SqlClientSource(f"sqlite:///{path}")) as source,
    ):
        reader.execute("BEGIN")
        reader.execute("SELECT count(*) FROM clients").fetchall()
        assert not another_process_can_write(path)
        generation = source.generation()
        assert generation is not None
        assert not source.is_replaced(generation)
        assert not another_process_can_write(path)
    assert another_process_can_write(path)
