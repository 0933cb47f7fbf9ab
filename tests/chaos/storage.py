"""A storage emulator that survives kill -9 as Azure Storage does: what it has acknowledged is there afterwards.

Azurite answers before it has written anything down: its tables are in memory and go to disk every five seconds, so
kill -9 loses what it has acknowledged since (measured: every row and blob of the last seconds). That is the emulator's
doing, no storage account behaves so. So the line is cut first, whatever is under way included; what was acknowledged is
saved; then it is killed.
"""

from __future__ import annotations

import os
import signal
import time
import uuid
from pathlib import Path

from devhost.local.azurite import connection_string, start_azurite
from shared.storage import StorageAccount
from tests.chaos.storage_proxy import StorageProxy
from tests.support.system import start_storage

_PRELOAD = Path(__file__).with_name("save_on_signal.js")
_MARKS = "chaosmarks"
_SAVE_SECONDS = 30


class Storage:
    """The emulator, and the proxy through which the service reaches it."""

    def __init__(self, directory: Path) -> None:
        self._directory = directory
        self._starts = 1
        self._azurite = start_storage(directory, _PRELOAD)
        try:
            self.proxy = StorageProxy(self._azurite.ports[0], self._azurite.ports[2])
            self.account = StorageAccount(self._azurite.connection_string)
            self._table = self.account.tables.create_table_if_not_exists(_MARKS)
            self._container = self.account.blobs.create_container(_MARKS)
        except BaseException:
            self._azurite.stop()
            raise

    @property
    def connection_string(self) -> str:
        """For the service: by way of the proxy."""
        return connection_string(self.proxy.ports["blob"], self._azurite.ports[1], self.proxy.ports["table"])

    def kill_and_restart(self, down_seconds: float) -> None:
        """kill -9, and start again on the same ports and files."""
        self.proxy.shut()
        self.save()
        self._azurite.kill()
        time.sleep(down_seconds)
        self._starts += 1
        log = self._directory / f"azurite-{self._starts}.log"
        self._azurite = start_azurite(self._directory, self._azurite.ports, log, _PRELOAD)
        self.proxy.open()

    def save(self) -> None:
        """Have the emulator write down what it holds, and see that it has."""
        mark = uuid.uuid4().hex
        extents = self._file("blob_extent")
        before = extents.stat().st_mtime_ns if extents.exists() else 0
        self._table.upsert_entity({"PartitionKey": "mark", "RowKey": "mark", "mark": mark})
        self._container.upload_blob(mark, b"mark")
        deadline = time.monotonic() + _SAVE_SECONDS
        while not self._has(mark, before):
            os.kill(self._azurite.pid, signal.SIGUSR2)
            time.sleep(0.05)
            assert time.monotonic() < deadline, "the emulator does not save"

    def stop(self) -> None:
        self.proxy.stop()
        self.account.blobs.close()
        self.account.tables.close()
        self._azurite.stop()

    def _has(self, mark: str, extents_before: int) -> bool:
        files = (self._file("table"), self._file("blob"), self._file("blob_extent"))
        if not all(file.exists() for file in files):
            return False
        return (
            all(mark in file.read_text(encoding="utf-8") for file in files[:2])
            and files[2].stat().st_mtime_ns > extents_before
        )

    def _file(self, name: str) -> Path:
        return self._directory / f"__azurite_db_{name}__.json"
