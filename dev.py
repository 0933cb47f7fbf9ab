#!/usr/bin/env python3
"""Set up, run and test client-export on this machine: `python3 dev.py --help`.

Needs nothing but Python 3.11 or newer. Everything it makes stays inside the repository folder, in places git ignores:
`.venv` (Python packages), `node_modules` (the storage emulator), `.local` (state, logs), `out` (exported files).

Every program it starts gets a process group of its own and is ended with it: by `Process.stop` on the usual ways
out, by the guard when this program is killed, by the next run (`.local/pids.json`) when the guard was killed too.
"""

from __future__ import annotations

import argparse
import contextlib
import http.client
import os
import subprocess
import sys
import time
from dataclasses import dataclass
from typing import TYPE_CHECKING

from devhost.local import checks, environment, hosts, node, settings
from devhost.local.azurite import start_storage
from devhost.local.console import ProgressBar, step
from devhost.local.errors import DevError
from devhost.local.exit import carry_out, ignore_signals
from devhost.local.health import HOST_START_SECONDS, wait_until_healthy
from devhost.local.paths import LOCAL, ROOT, shown_path
from devhost.local.ports import require_free
from devhost.local.processes import run_quietly, watch
from devhost.local.run_record import claim_run, record_run
from exports.commands.demo import export as demo
from exports.commands.demo import local_data
from exports.commands.demo.web import DemoError

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from devhost.local.azurite import Azurite
    from devhost.local.processes import Process

SETTINGS = ROOT / "local.settings.json"
SETTINGS_SAMPLE = ROOT / "local.settings.sample.json"
EXPORTED_FILE = ROOT / "out" / "clients.csv"
PROGRAMS = {"bench": "tests.bench", "chaos": "tests.chaos"}
"""Commands that are programs of their own, and take all arguments."""


# --- setup, test, fuzz, chaos, bench, lock


def set_up() -> None:
    environment.set_up_python()
    node.set_up_azurite()


def setup_command() -> int:
    started = time.monotonic()
    set_up()
    print(f"Set up in {time.monotonic() - started:.1f} s. Next: python3 dev.py run")
    return 0


def test_command(fast: bool, pytest_args: Sequence[str]) -> int:
    checks.refuse_skipping_under_ci(fast)
    set_up()
    return 0 if checks.run_checks(fast, pytest_args) else 1


def fuzz_command(cases: int, seed: int) -> int:
    set_up()
    os.environ |= {"FUZZ_CASES": str(cases), "FUZZ_SEED": str(seed)}
    fuzzing, totals = checks.run_pytest(["tests/fuzz", "-s"])
    print(totals)
    return 0 if fuzzing.ok else 1


def program_command(module: str, arguments: Sequence[str]) -> int:
    set_up()
    return subprocess.call([environment.in_venv("python"), "-m", module, *arguments], cwd=ROOT)  # noqa: S603 - our own


def lock_command(upgrade: bool) -> int:
    environment.lock(upgrade)
    return 0


# --- run


@dataclass(frozen=True)
class RunOptions:
    port: int
    workers: int
    host: str
    clients: int | None
    database: str | None
    tenant: str | None
    once: bool


@dataclass(frozen=True)
class System:
    """Everything that runs, and what a caller needs to use it."""

    base_url: str
    host: Process
    azurite: Azurite
    key: str
    tenant: str


def run_command(options: RunOptions) -> int:
    record = LOCAL / "pids.json"
    claim_run(record)
    cleanup = contextlib.ExitStack()
    cleanup.callback(record.unlink, missing_ok=True)
    try:
        system = start_system(options, record, cleanup)
        demonstrate(system)
        if not options.once:
            serve(system)
        return 0
    except KeyboardInterrupt:
        print("\nStopping.", flush=True)
        raise
    finally:
        ignore_signals()  # a second, impatient Ctrl-C must not interrupt the clean-up
        cleanup.close()


def start_system(options: RunOptions, record: Path, cleanup: contextlib.ExitStack) -> System:
    """Start Azurite and the host; whatever was started is ended by `cleanup`, also when a later part fails."""
    host_kind = hosts.choose_host(options.host)
    require_free(options.port)
    values = settings.provide_settings(SETTINGS, SETTINGS_SAMPLE)
    tenant = local_data.choose_tenant(options.tenant, options.database is not None)
    if options.database:
        values["CLIENTS_DATABASE_URL"] = options.database
    set_up()
    if values["CLIENTS_DATABASE_URL"] == local_data.SAMPLE_DATABASE_URL:
        local_data.create_sample_clients(LOCAL / "clients.sqlite", options.clients, make_sample_clients)
    azurite = start_storage(cleanup)
    record_run(record, [azurite.pid])
    values |= {"AzureWebJobsStorage": azurite.connection_string, "EXPORT_STORAGE": azurite.connection_string}
    base_url = f"http://127.0.0.1:{options.port}"
    with step(f"Starting the host ({host_kind}) on {base_url}"):
        host = hosts.start(host_kind, ROOT, options.port, options.workers, values, LOCAL)
        cleanup.callback(host.stop)
        record_run(record, [azurite.pid, host.pid])
        wait_until_healthy(base_url, host, HOST_START_SECONDS[host_kind])
    key = usable_key(base_url, azurite.connection_string, values.get("DEV_API_KEY"), tenant, SETTINGS)
    return System(base_url, host, azurite, key, tenant)


def make_sample_clients(database: Path, clients: int) -> None:
    options = ["--database", f"sqlite:///{shown_path(database)}", "--clients", str(clients)]
    with step(f"Making a sample database of {clients:,} clients"):
        run_quietly(
            [environment.in_venv("python"), "-m", "exports", "sample-clients", *options],
            "The sample clients could not be made.",
        )


def usable_key(base_url: str, storage: str, known: str | None, tenant: str, file: Path) -> str:
    """The known key if it opens the tenant; else a new one, which is kept in the settings file.

    The known key no longer opens when the emulator's files were deleted, or when it was made for other tenants.
    """
    if known and demo.key_opens(base_url, known, tenant):
        return known
    with step(f"Making an API key, to be found in {file.name}"):
        tenants = list(dict.fromkeys((*local_data.SAMPLE_TENANTS, tenant)))
        key = local_data.make_key(environment.in_venv("python"), ROOT, storage, tenants)
        settings.save_value(file, "DEV_API_KEY", key)
    return key


def demonstrate(system: System) -> None:
    """Run one export and print what came of it, and how to do the same by hand."""
    print(f"\nExporting all clients of {system.tenant}:")
    bar = ProgressBar(sys.stdout, sys.stdout.isatty())
    try:
        export = demo.run_export(system.base_url, system.tenant, system.key, EXPORTED_FILE, bar.show)
    except (OSError, http.client.HTTPException) as error:
        message = f"The connection broke ({error}). The host's last lines:\n{system.host.tail()}"
        raise DevError(message) from error
    finally:
        bar.close()
    print(demo.summary(export, shown_path(EXPORTED_FILE)))
    for line in demo.first_lines(EXPORTED_FILE):
        print(f"    {line}")
    print(demo.by_hand(system.base_url, system.tenant, system.key, export))


def serve(system: System) -> None:
    """Stay until Ctrl-C, or until a part ends by itself."""
    print(f"\nRunning until Ctrl-C. The host writes to {shown_path(system.host.log)}", flush=True)
    try:
        watch((system.host, system.azurite.process))
    except KeyboardInterrupt:
        print("\nStopping.", flush=True)


# --- the command line


def positive(text: str) -> int:
    number = int(text)
    if number < 1:
        message = f"{text} is not a positive number"
        raise argparse.ArgumentTypeError(message)
    return number


def make_parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="dev.py", description="Set up, run and test client-export on this machine.", allow_abbrev=False
    )
    commands = parser.add_subparsers(dest="command", required=True, metavar="command")
    commands.add_parser("setup", help="install Python packages, Node and the storage emulator (all others do this too)")
    add_run_parser(
        commands.add_parser("run", help="start everything here, run one export, and stay", allow_abbrev=False)
    )
    test = commands.add_parser(
        "test",
        help="linters, type check and all tests",
        description="ruff, mypy, import-linter and pytest. Arguments not listed here go to pytest.",
        allow_abbrev=False,
    )
    test.add_argument("--fast", action="store_true", help="leave out the tests marked slow")
    fuzz = commands.add_parser("fuzz", help="made-up requests against the running service, from its /openapi.json")
    fuzz.add_argument("--cases", type=positive, default=2000, help="how many at least (default: 2,000)")
    fuzz.add_argument(
        "--seed", type=positive, default=1, help="of chance; another one makes other requests (default: 1)"
    )
    commands.add_parser("chaos", help="schedules of kills, outages and doubled steps, each judged", add_help=False)
    commands.add_parser("bench", help="speed beside what one would use instead, latency, memory", add_help=False)
    lock = commands.add_parser("lock", help="for maintainers: pin requirements*.txt from requirements*.in")
    lock.add_argument("--upgrade", action="store_true", help="take the newest versions allowed, not the pinned ones")
    return parser


def add_run_parser(run: argparse.ArgumentParser) -> None:
    run.description = (
        "Start storage, host and app on this machine, export the clients of one tenant over HTTP "
        f"into {shown_path(EXPORTED_FILE)}, and stay until Ctrl-C."
    )
    run.add_argument("--once", action="store_true", help="stop everything after the export")
    run.add_argument("--port", type=positive, default=7071, help="where the service listens (default: 7071)")
    run.add_argument(
        "--workers", type=positive, default=os.cpu_count() or 1, help="worker processes (default: one a core)"
    )
    run.add_argument(
        "--host",
        choices=("auto", "devhost", "func"),
        default="auto",
        help="func: Azure Functions Core Tools, taken if present",
    )
    source = run.add_mutually_exclusive_group()
    source.add_argument(
        "--clients",
        type=positive,
        metavar="N",
        help=f"size of the sample database (default: {local_data.SAMPLE_CLIENTS:,}, or as it is)",
    )
    source.add_argument(
        "--database", metavar="URL", help="export this database (SQLAlchemy URL; it needs the view `clients`)"
    )
    run.add_argument(
        "--tenant", help=f"whose clients (default: {local_data.SAMPLE_TENANTS[0]}, of the sample database)"
    )


def perform(options: argparse.Namespace, rest: Sequence[str]) -> int:
    """Carry out one command; the exit code."""
    environment.require_python()
    given = vars(options)
    command = given.pop("command")
    if command == "run":
        return run_command(RunOptions(**given))
    if command == "test":
        return test_command(options.fast, rest)
    if command == "fuzz":
        return fuzz_command(options.cases, options.seed)
    if command in PROGRAMS:
        return program_command(PROGRAMS[command], rest)
    if command == "lock":
        return lock_command(options.upgrade)
    return setup_command()


def main(arguments: Sequence[str]) -> int:
    parser = make_parser()
    options, rest = parser.parse_known_args(arguments)
    if rest and options.command not in ("test", *PROGRAMS):
        parser.error(f"unknown arguments: {' '.join(rest)}")
    return carry_out(lambda: perform(options, rest), told=(DevError, DemoError))


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
