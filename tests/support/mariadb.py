"""A MariaDB server for the tests: the programs of this machine, data that goes when the server stops."""

from __future__ import annotations

import secrets
import shutil
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

from devhost.local.errors import DevError
from devhost.local.ports import free_port
from devhost.local.processes import Account, Process
from tests.support.accounts import give, make_data, server_account, temporary_folder, wait_until_said

WHERE_TO_GET_IT = (
    "There is no MariaDB on this machine. Install it, on Debian the packages mariadb-server-core and "
    "mariadb-client-core, or name a server in TEST_MARIADB_URL."
)
FOLDER_PREFIX = "client-export-mariadb-"
SETTINGS = {
    "bind-address": "127.0.0.1",
    "character-set-server": "utf8mb4",
    "innodb-buffer-pool-size": "32M",
    "innodb-log-file-size": "16M",
    "innodb-flush-log-at-trx-commit": "0",
    "innodb-doublewrite": "0",
    "innodb-flush-method": "nosync",
    "sync-frm": "OFF",
    "performance-schema": "OFF",
}


def find_program(name: str) -> str | None:
    """Where a program of MariaDB is; servers are often not on the PATH of those who are not root."""
    return shutil.which(name) or shutil.which(name, path="/usr/sbin:/usr/local/sbin:/opt/homebrew/bin")


@contextmanager
def mariadb_server() -> Iterator[str]:
    """Start a server on a free port of this machine with one empty database; yields its URL.

    Raises:
        DevError: The programs are missing, or the server did not start.
    """
    server, installer = find_program("mariadbd"), find_program("mariadb-install-db")
    if server is None or installer is None:
        raise DevError(WHERE_TO_GET_IT)
    account = server_account()
    with ExitStack() as cleanup:
        folder = temporary_folder(FOLDER_PREFIX, account)
        cleanup.callback(shutil.rmtree, folder, ignore_errors=True)
        _make_data(installer, folder, account)
        password, port = secrets.token_hex(16), free_port()
        process = _start(server, folder, port, _first_statements(folder, password, account), account)
        cleanup.callback(process.stop)
        wait_until_said(process, "ready for connections")
        yield f"mysql+pymysql://tester:{password}@127.0.0.1:{port}/clients"


def _make_data(program: str, folder: Path, account: Account | None) -> None:
    options = [
        "--no-defaults",
        f"--datadir={folder / 'data'}",
        "--skip-test-db",
        "--auth-root-authentication-method=normal",
    ]
    make_data([program, *options], folder, account)


def _first_statements(folder: Path, password: str, account: Account | None) -> Path:
    """What the server runs when it starts: a user of the tests, who may do everything, and their database."""
    file = folder / "first.sql"
    file.write_text(
        "DROP USER root@localhost;\n"
        f"CREATE USER tester@'127.0.0.1' IDENTIFIED BY '{password}';\n"
        "GRANT ALL ON *.* TO tester@'127.0.0.1' WITH GRANT OPTION;\n"
        "CREATE DATABASE clients;\n"
    )
    give(file, account)
    return file


def _start(server: str, folder: Path, port: int, first: Path, account: Account | None) -> Process:
    settings = {
        **SETTINGS,
        "datadir": folder / "data",
        "socket": folder / "socket",
        "pid-file": folder / "pid",
        "port": port,
        "init-file": first,
    }
    return Process(
        "MariaDB",
        [server, "--no-defaults", "--skip-name-resolve", *(f"--{name}={value}" for name, value in settings.items())],
        log=folder / "mariadb.log",
        cwd=folder,
        account=account,
    )
