"""Connect to SQL Server through `mssql-python`, Microsoft's driver, which PyPI brings with all its native parts."""

from __future__ import annotations

import ctypes
import errno
import socket
import sys
from collections.abc import Iterator
from contextlib import closing, contextmanager
from functools import partial
from math import ceil
from typing import Any

from sqlalchemy import URL, Connection, Dialect, Engine, event

from exports.adapters.clients_sql.dialects.base import STATEMENT_TIMEOUT_SECONDS
from exports.errors import SourceRefusedError

DRIVER_NAME = "mssql+mssqlpython"
DEFAULT_PORT = 1433
_LOCK_TIMEOUT_SECONDS = 60

LIMIT_SESSION = (
    f"SET LANGUAGE us_english; SET LOCK_TIMEOUT {_LOCK_TIMEOUT_SECONDS}000; SET DEADLOCK_PRIORITY LOW; "
    "SET TRANSACTION ISOLATION LEVEL READ COMMITTED"
)
"""English, because the driver passes on only the text of an error, not its number. In a deadlock the export gives way
to writers. No setting makes a session of SQL Server read-only: the rights of the user do."""

_PARAMETERS = {
    name.lower(): name
    for name in (
        "ApplicationIntent",
        "Authentication",
        "Encrypt",
        "HostNameInCertificate",
        "IpAddressPreference",
        "MultiSubnetFailover",
        "PacketSize",
        "ServerCertificate",
        "TrustServerCertificate",
    )
}
_DROPPED = frozenset({"driver", "timeout", "connection timeout", "login timeout"})
"""Parameters of other drivers, which this service decides itself."""

_LIBRARIES = {
    "libltdl.so.7": "libltdl7",
    "libkrb5.so.3": "libkrb5-3",
    "libgssapi_krb5.so.2": "libgssapi-krb5-2",
}
"""The system libraries that the driver needs on Linux, and their packages in Debian and Ubuntu."""

_DRIVER = "[Microsoft][ODBC Driver 18 for SQL Server]"
_CLOSED_PORT = f"{_DRIVER}TCP Provider: Error code 0x2749"
_UNKNOWN_HOST = f"{_DRIVER}TCP Provider: Error code 0x2AF9"
_SILENT_HOST = f"{_DRIVER}TCP Provider: Timeout error [258]."
"""What the driver itself says, but only after the whole time limit. The numbers are those of Windows Sockets."""


def reading_url(url: URL) -> URL:
    """Choose the driver, and refuse parameters that it does not know.

    Raises:
        SourceRefusedError: Says what to write. It quotes nothing of the URL, which holds a password.
    """
    if not url.host:
        raise _refused("names no server", "Write mssql://user:password@server/database")
    query = {name: value for name, value in url.query.items() if name.lower() not in _DROPPED}
    if any(name.lower() not in _PARAMETERS or not isinstance(value, str) for name, value in query.items()):
        raise _refused(
            "has a parameter after the question mark that Azure SQL does not take, or has one twice",
            f"Remove it; the parameters are {', '.join(_PARAMETERS.values())}",
        )
    settled = {_PARAMETERS[name.lower()]: value for name, value in query.items()}
    return url.set(drivername=DRIVER_NAME, query={**settled, "ConnectRetryCount": "0"})


def limit_sessions(engine: Engine) -> Engine:
    """Limit each session when it is opened."""
    event.listen(engine, "do_connect", partial(_connect, engine.url))
    event.listen(engine, "connect", _limit_session)
    return engine


@contextmanager
def time_limit(connection: Connection, seconds: float) -> Iterator[None]:
    """Limit the cursors that the block opens, to whole seconds."""
    driver: Any = connection.connection.driver_connection
    usual = driver.timeout
    driver.timeout = ceil(seconds)
    try:
        yield
    finally:
        driver.timeout = usual


def _refused(fault: str, change: str) -> SourceRefusedError:
    return SourceRefusedError(f"The address of the client database (CLIENTS_DATABASE_URL) {fault}. {change}.")


def why_not_loaded() -> str:
    """Say which system libraries of the driver are missing, and what to install; nothing if none is."""
    missing = [name for name in _LIBRARIES if sys.platform == "linux" and not _can_load(name)]
    if not missing:
        return ""
    packages = " ".join(_LIBRARIES[name] for name in missing)
    return (
        f"The driver for Azure SQL cannot be loaded, because this machine lacks {', '.join(missing)}. Install it (in "
        f"Debian and Ubuntu: apt-get install {packages}) and start the service again."
    )


def _can_load(library: str) -> bool:
    try:
        ctypes.CDLL(library)
    except OSError:
        return False
    return True


def _connect(url: URL, _dialect: Dialect, _record: object, _arguments: object, options: dict[str, Any]) -> Any:
    from mssql_python import OperationalError

    from exports.adapters.clients_sql.dialects.mssql_cursor import CheckedConnection

    if why_not_loaded():  # the driver would say so too, but only if the server can be reached
        raise OperationalError("Connection operation failed", "Failed to load the driver.")
    _require_server(url.host or "", url.port, options["timeout"])
    connection = CheckedConnection(_connection_string(url), **options)
    connection.timeout = options["timeout"]  # `_limit_session` allows statements more
    return connection


def _connection_string(url: URL) -> str:
    """Write every value in braces. SQLAlchemy writes some without, and the driver cuts blanks at their ends."""
    server = f"Server={url.host},{url.port}" if url.port else f"Server={url.host}"
    values = {"Database": url.database, "UID": url.username, "PWD": url.password, **url.query}
    braced = (f"{name}={{{str(value).replace('}', '}}')}}}" for name, value in values.items() if value)
    return ";".join([server, *braced])


def _is_plain(host: str) -> bool:
    """Say whether a host is only a name: a named instance has another port; `tcp:` and the like are the driver's."""
    return "\\" not in host and ":" not in host


def _require_server(host: str, port: int | None, seconds: int) -> None:
    """Raise the driver's own error if the server cannot be reached. The driver takes its whole time limit for that."""
    from mssql_python import OperationalError

    if not _is_plain(host):
        return
    try:
        socket.create_connection((host, port or DEFAULT_PORT), seconds).close()
    except OSError as error:
        raise OperationalError("Client unable to establish connection", _words_for(error)) from error


def _words_for(error: OSError) -> str:
    if isinstance(error, socket.gaierror):
        return _SILENT_HOST if error.errno == socket.EAI_AGAIN else _UNKNOWN_HOST
    return _CLOSED_PORT if error.errno == errno.ECONNREFUSED else _SILENT_HOST


def _limit_session(connection: Any, _record: object) -> None:
    with closing(connection.cursor()) as cursor:
        cursor.execute(LIMIT_SESSION)
    connection.commit()
    connection.timeout = STATEMENT_TIMEOUT_SECONDS
