"""Starts a MariaDB server for the tests, with the programs of this machine and a temporary data directory."""

from __future__ import annotations

import secrets
import shutil
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager
from pathlib import Path

from devhost.local.errors import DevError
from devhost.local.ports import on_a_free_port
from devhost.local.processes import Account, Process
from tests.support.accounts import (
    create_data_directory,
    server_account,
    set_owner,
    temporary_folder,
    wait_for_log_text,
)

HOW_TO_INSTALL = (
    "MariaDB is not installed on this machine. Install it (on Debian: the packages mariadb-server-core and "
    "mariadb-client-core), or name a server in TEST_MARIADB_URL."
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
    """Return the path of a program of MariaDB. Often the server is not on the PATH of users other than root."""
    return shutil.which(name) or shutil.which(name, path="/usr/sbin:/usr/local/sbin:/opt/homebrew/bin")


@contextmanager
def mariadb_server(settings: Mapping[str, str] | None = None) -> Iterator[str]:
    """Start a server with one empty database on a free port of this machine; yields its URL.

    Args:
        settings: Added to the settings for tests, or override them.

    Raises:
        DevError: The programs are missing, or the server did not start.
    """
    server, installer = find_program("mariadbd"), find_program("mariadb-install-db")
    if server is None or installer is None:
        raise DevError(HOW_TO_INSTALL)
    account = server_account()
    with ExitStack() as cleanup:
        folder = temporary_folder(FOLDER_PREFIX, account)
        cleanup.callback(shutil.rmtree, folder, ignore_errors=True)
        _create_data(installer, folder, account)
        password = secrets.token_hex(16)
        statements = _initial_statements(folder, password, account)

        def start(port: int) -> tuple[Process, int]:
            return _start(server, folder, port, statements, account, settings or {}), port

        process, port = on_a_free_port(start)
        cleanup.callback(process.stop)
        yield f"mysql+pymysql://tester:{password}@127.0.0.1:{port}/clients"


def _create_data(program: str, folder: Path, account: Account | None) -> None:
    options = [
        "--no-defaults",
        f"--datadir={folder / 'data'}",
        "--skip-test-db",
        "--auth-root-authentication-method=normal",
    ]
    create_data_directory([program, *options], folder, account, {"TMPDIR": str(folder)})


def _initial_statements(folder: Path, password: str, account: Account | None) -> Path:
    """Write the statements that the server runs at its start: they create a user with all rights and a database."""
    file = folder / "initial.sql"
    file.write_text(
        "DROP USER root@localhost;\n"
        f"CREATE USER tester@'127.0.0.1' IDENTIFIED BY '{password}';\n"
        "GRANT ALL ON *.* TO tester@'127.0.0.1' WITH GRANT OPTION;\n"
        "CREATE DATABASE clients;\n"
    )
    set_owner(file, account)
    return file


def _start(
    server: str, folder: Path, port: int, statements: Path, account: Account | None, more: Mapping[str, str]
) -> Process:
    """Start the server, with a folder of its own for temporary tables.

    A server deletes all temporary tables in that folder when it starts, so two servers cannot share one.
    """
    settings = {
        **SETTINGS,
        **more,
        "datadir": folder / "data",
        "tmpdir": folder,
        "socket": folder / "socket",
        "pid-file": folder / "pid",
        "port": port,
        "init-file": statements,
    }
    process = Process(
        "MariaDB",
        [server, "--no-defaults", "--skip-name-resolve", *(f"--{name}={value}" for name, value in settings.items())],
        log=folder / "mariadb.log",
        cwd=folder,
        account=account,
    )
    try:
        wait_for_log_text(process, "ready for connections")
    except BaseException:
        process.stop()
        raise
    return process
