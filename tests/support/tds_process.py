"""Run the TDS servers of tests in one process of their own.

The driver may hold Python's global lock while it waits for a server. A server in the same process would then wait for
the lock, and the test for ever.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from multiprocessing import get_context
from multiprocessing.connection import Connection
from threading import Lock
from typing import Any

from tests.support.tds_server import Rules, Seen, ServerError, TdsServer


@dataclass(frozen=True)
class TdsDatabase:
    """One server in the process."""

    _process: TdsProcess
    port: int

    @property
    def url(self) -> str:
        """The URL of the database, without encryption."""
        return f"mssql://reader:secret@127.0.0.1:{self.port}/clients?Encrypt=no"

    def seen(self) -> Seen:
        """Return what the server has seen until now."""
        seen: Seen = self._process.ask("seen", self.port)
        return seen


class TdsProcess:
    """The process. Start it once: it takes half a second."""

    def __init__(self) -> None:
        spawning = get_context("spawn")
        self._lock = Lock()
        self._connection, theirs = spawning.Pipe()
        self._process = spawning.Process(target=_serve, args=(theirs,), daemon=True)
        self._process.start()
        theirs.close()

    @contextmanager
    def database(self, rules: Rules = (), login_error: ServerError | None = None) -> Iterator[TdsDatabase]:
        """Serve until the context ends, by rules and then by `FIRST_RULES`.

        Args:
            login_error: Refuses every login.
        """
        port = self.ask("open", rules, login_error)
        try:
            yield TdsDatabase(self, port)
        finally:
            self.ask("close", port)

    def ask(self, command: str, *arguments: Any) -> Any:
        """Send a command to the process, and return its answer."""
        with self._lock:
            self._connection.send((command, *arguments))
            return self._connection.recv()

    def stop(self) -> None:
        """End the process and all its servers."""
        self._connection.close()
        self._process.join(10)


def _serve(connection: Connection) -> None:
    """Carry out commands until the other side is gone."""
    servers: dict[int, TdsServer] = {}
    with suppress(EOFError):
        while True:
            command, *arguments = connection.recv()
            connection.send(_carry_out(servers, command, *arguments))


def _carry_out(servers: dict[int, TdsServer], command: str, *arguments: Any) -> int | Seen | None:
    if command == "open":
        server = TdsServer(*arguments)
        servers[server.port] = server
        return server.port
    (port,) = arguments
    if command == "seen":
        return servers[port].seen
    servers.pop(port).close()
    return None
