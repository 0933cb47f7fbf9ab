"""Threads take turns to read a SQLite file, because threads that read at the same time slow each other down."""

from __future__ import annotations

from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from threading import Barrier, Lock
from time import sleep

from exports.file.csv.renderer import CsvRenderer
from exports.file.ranges import KeyRange
from exports.file.renderer import Row
from exports.ports.clients import ClientSelection
from exports.request.columns import ALL_COLUMNS
from tests.contract.sqlite_files import SqliteFile
from tests.contract.viewed_clients import TENANT

ROWS, THREADS = 12_000, 4


class _CountsItsCallers(CsvRenderer):
    """Notes how many threads are in it at once, as long as it renders a full list."""

    busy = most = 0
    lock = Lock()

    def render_counted(self, rows: Sequence[Row]) -> tuple[bytes, int]:
        if len(rows) < 100:  # the first list of a page is shorter, and takes no turn
            return super().render_counted(rows)
        with self.lock:
            self.busy += 1
            self.most = max(self.most, self.busy)
        sleep(0.01)  # long enough for another thread to arrive
        try:
            return super().render_counted(rows)
        finally:
            with self.lock:
                self.busy -= 1


def test_threads_that_read_pages_of_a_sqlite_file_take_turns(tmp_path: Path) -> None:
    file = SqliteFile(tmp_path / "clients.sqlite")
    file.fill([{"code": f"C{number:05}", "name": "Client"} for number in range(ROWS)])
    renderer = _CountsItsCallers(ALL_COLUMNS)
    selection = ClientSelection(TENANT, renderer.source_columns)
    together = Barrier(THREADS)

    def read() -> bytes:
        together.wait()
        return b"".join(records.data for records in file.source.render(selection, KeyRange(), renderer))

    with ThreadPoolExecutor(THREADS) as pool:
        pages = [done.result() for done in [pool.submit(read) for _ in range(THREADS)]]
    assert renderer.most == 1
    assert set(pages) == {pages[0]}
    assert pages[0].count(b"\r\n") == ROWS
