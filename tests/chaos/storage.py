"""A storage emulator that survives `kill -9` as Azure Storage does: it loses nothing that it has acknowledged.

Azurite responds before it has saved anything. Its tables are in memory, and it writes them to disk every five seconds.
So `kill -9` loses everything acknowledged since then (measured: every row and blob of the last seconds). No real
storage account behaves like this. So before a kill, the proxy cuts all connections, including running requests, and
the emulator saves what it has acknowledged.
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
_PROBES = "chaosmarks"
_SAVE_SECONDS = 30


class Storage:
    """The emulator, and the proxy that the service uses to access it."""

    def __init__(self, directory: Path) -> None:
        self._directory = directory
        self._starts = 1
        self._azurite = start_storage(directory, _PRELOAD, in_memory=False)
        try:
            self.proxy = StorageProxy(self._azurite.ports[0], self._azurite.ports[2])
            self.account = StorageAccount(self._azurite.connection_string)
            self._table = self.account.tables.create_table_if_not_exists(_PROBES)
            self._container = self.account.blobs.create_container(_PROBES)
        except BaseException:
            self._azurite.stop()
            raise

    @property
    def connection_string(self) -> str:
        """The connection string for the service, which leads through the proxy."""
        return connection_string(self.proxy.ports["blob"], self._azurite.ports[1], self.proxy.ports["table"])

    def kill_and_restart(self, down_seconds: float) -> None:
        """Kill the emulator, and start it again with the same ports and files."""
        self.proxy.disconnect()
        self.save()
        self._azurite.kill()
        time.sleep(down_seconds)
        self._starts += 1
        log = self._directory / f"azurite-{self._starts}.log"
        self._azurite = start_azurite(self._directory, self._azurite.ports, log, _PRELOAD)
        self.proxy.connect()

    def save(self) -> None:
        """Make the emulator save its data, and wait until the files contain a row and a blob written just before."""
        probe = uuid.uuid4().hex
        extents = self._file("blob_extent")
        before = extents.stat().st_mtime_ns if extents.exists() else 0
        self._table.upsert_entity({"PartitionKey": "probe", "RowKey": "probe", "probe": probe})
        self._container.upload_blob(probe, b"probe")
        deadline = time.monotonic() + _SAVE_SECONDS
        while not self._has_saved(probe, before):
            os.kill(self._azurite.pid, signal.SIGUSR2)
            time.sleep(0.05)
            assert time.monotonic() < deadline, "the emulator does not save"

    def stop(self) -> None:
        self.proxy.stop()
        self.account.blobs.close()
        self.account.tables.close()
        self._azurite.stop()

    def _has_saved(self, probe: str, extents_before: int) -> bool:
        files = (self._file("table"), self._file("blob"), self._file("blob_extent"))
        if not all(file.exists() for file in files):
            return False
        return (
            all(probe in file.read_text(encoding="utf-8") for file in files[:2])
            and files[2].stat().st_mtime_ns > extents_before
        )

    def _file(self, name: str) -> Path:
        return self._directory / f"__azurite_db_{name}__.json"
