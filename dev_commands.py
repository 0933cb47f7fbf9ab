"""The commands of dev.py, which set up, run and test client-export on this machine.

They need only Python itself. Everything that it creates stays inside the repository folder, in paths that git
ignores: `.venv` (Python packages), `node_modules` (the storage emulator), `.local` (state, logs), `out` (exports).

Every program that it starts gets a process group of its own. Normally `Process.stop` ends the group. If dev.py was
killed, the guard ends it. If the guard was killed too, the next run does (it finds the group in `.local/pids.json`).
"""

from __future__ import annotations

import contextlib
import http.client
import os
import subprocess
import sys
import time
from dataclasses import dataclass
from typing import TYPE_CHECKING

from devhost.local import checks, engine_program, environment, hosts, node, package, running, settings, vendor
from devhost.local.azurite import start_storage
from devhost.local.command_line import Defaults, make_parser
from devhost.local.console import step
from devhost.local.errors import DevError
from devhost.local.exit import ignore_signals, run_to_exit_code
from devhost.local.folders import require_writable
from devhost.local.keypress import enter_key
from devhost.local.paths import LOCAL, ROOT, shown_path
from devhost.local.ports import require_free
from devhost.local.processes import run_quietly, watch
from devhost.local.proxies import exempt_this_machine
from devhost.local.run_record import claim_run, record_run
from exports.commands.demo import export as demo
from exports.commands.demo import local_data
from exports.commands.demo.answers import DemoError
from shared.progress import ProgressBar

if TYPE_CHECKING:
    import argparse
    from collections.abc import Callable, Sequence
    from pathlib import Path

    from devhost.local.azurite import Azurite
    from devhost.local.processes import Process

SETTINGS = ROOT / "local.settings.json"
SETTINGS_SAMPLE = ROOT / "local.settings.sample.json"
EXPORTED_FILE = ROOT / "out" / "clients.csv"
SERVICE, RECORD = "service.json", "pids.json"
PROGRAMS = {"bench": "tests.bench", "chaos": "tests.chaos", "pictures": "tests.browser.pictures", "soak": "tests.soak"}
"""Commands that are programs of their own. They receive all arguments."""
DATABASE = "CLIENTS_DATABASE_URL"
FIX = """\
Still running: fix the view, then press Enter to check it and export again, or use {page}/.
If the URL or the tenant is wrong, press Ctrl-C, and start again with the right one."""
RETRY_TRIES = "3"
"""How often steps are tried on a database of the user's own: a person who waits wants to see the reason soon."""
PARSER = make_parser(Defaults(local_data.SAMPLE_TENANTS[0], local_data.SAMPLE_CLIENTS, shown_path(EXPORTED_FILE)))


# --- setup, test, fuzz, chaos, bench, soak, lock, vendor


def set_up() -> None:
    environment.set_up_python()
    node.set_up_azurite()


def setup_command() -> int:
    started = time.monotonic()
    set_up()
    print(f"Set up in {time.monotonic() - started:.1f} s. Next: python3 dev.py run")
    return 0


def test_command(fast: bool, thorough: bool, engine: Path | None, host: str | None, pytest_args: Sequence[str]) -> int:
    checks.refuse_skipping_under_ci(fast)
    if host:
        hosts.choose_host(host)  # before anything is installed
    set_up()
    if host:
        return 0 if checks.run_on_host(host, pytest_args) else 1
    if engine:
        return 0 if checks.run_on_engine(engine_program.executable(engine), pytest_args) else 1
    return 0 if checks.run_checks(fast, thorough, pytest_args) else 1


def engine_command() -> int:
    print(f"Built {shown_path(engine_program.build())}. The tests and `--engine` use it from there.")
    return 0


def fuzz_command(cases: int, seed: int) -> int:
    set_up()
    os.environ |= {"FUZZ_CASES": str(cases), "FUZZ_SEED": str(seed)}
    fuzzing, summary = checks.run_pytest(["tests/fuzz", "-s"])
    print(summary.totals)
    return 0 if fuzzing.ok else 1


def program_command(module: str, arguments: Sequence[str]) -> int:
    set_up()
    return subprocess.call([environment.in_venv("python"), "-m", module, *arguments], cwd=ROOT)  # noqa: S603 - our own


def package_command(output: Path) -> int:
    digest = package.make_package(output)
    print(f"{output}: {output.stat().st_size:,} bytes, {len(package.packaged_files())} files, SHA-256 {digest}")
    return 0


def lock_command(upgrade: bool) -> int:
    environment.lock(upgrade)
    return 0


def vendor_command() -> int:
    set_up()
    print(f"Renewed {', '.join(vendor.renew())} in {shown_path(vendor.FOLDER)}.")
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
    engine: Path | None


@dataclass(frozen=True)
class System:
    """The running programs, and the address, key and tenant with which to use the service."""

    base_url: str
    host: Process
    azurite: Azurite
    key: str
    tenant: str


def run_command(options: RunOptions) -> int:
    require_writable(LOCAL, EXPORTED_FILE.parent)
    record = LOCAL / RECORD
    claim_run(record)
    cleanup = contextlib.ExitStack()
    cleanup.callback(record.unlink, missing_ok=True)
    try:
        system = start_system(options, record, cleanup)
        if options.once:
            demonstrate(system)
        else:
            serve(system, options.database, enter_key)
        return 0
    except (DevError, DemoError) as error:
        raise DevError(as_typed(str(error), options.database)) from error
    except KeyboardInterrupt:
        print("\nStopping.", flush=True)
        raise
    finally:
        ignore_signals()  # a second, impatient Ctrl-C must not interrupt the cleanup
        cleanup.close()


def start_system(options: RunOptions, record: Path, cleanup: contextlib.ExitStack) -> System:
    """Start Azurite and the host. `cleanup` stops every started program, even if a later one fails to start."""
    engine = engine_program.executable(options.engine) if options.engine else None
    host_kind = hosts.choose_host("devhost" if engine and options.host == "auto" else options.host)
    if engine and host_kind == "func":
        raise DevError("`func` has the Durable extension of its own. Leave out --engine, or use --host devhost.")
    require_free(options.port)
    values = settings.provide_settings(SETTINGS, SETTINGS_SAMPLE)
    tenant = local_data.choose_tenant(options.tenant, options.database is not None)
    if options.database:
        values[DATABASE] = options.database
        values.setdefault("EXPORT_RETRY_TRIES", RETRY_TRIES)
    set_up()
    if options.database:
        check_view(options.database, tenant)
    if values[DATABASE] == local_data.SAMPLE_DATABASE_URL:
        local_data.create_sample_clients(LOCAL / "clients.sqlite", options.clients, make_sample_clients)
    azurite = start_storage(cleanup)
    record_run(record, [azurite.pid])
    values |= {"AzureWebJobsStorage": azurite.connection_string, "EXPORT_STORAGE": azurite.connection_string}
    base_url = f"http://127.0.0.1:{options.port}"
    with step(f"Starting the host ({host_kind}) on {base_url}"):
        host = hosts.start(host_kind, ROOT, options.port, options.workers, values, LOCAL, engine)
        cleanup.callback(host.stop)
        record_run(record, [azurite.pid, host.pid])
        tolerated = ("clients",) if options.database and not options.once else ()
        hosts.wait_for_host(host, host_kind, options.port, tolerated, values.get("DEV_API_KEY"))
    key = usable_key(base_url, azurite.connection_string, values.get("DEV_API_KEY"), tenant, SETTINGS)
    cleanup.callback((LOCAL / SERVICE).unlink, missing_ok=True)
    running.record_service(LOCAL / SERVICE, base_url, key, tenant, values)
    return System(base_url, host, azurite, key, tenant)


def make_sample_clients(database: Path, clients: int) -> None:
    options = ["--database", f"sqlite:///{shown_path(database)}", "--clients", str(clients)]
    with step(f"Creating a sample database of {clients:,} clients"):
        run_quietly(
            [environment.in_venv("python"), "-m", "exports", "sample-clients", *options],
            "The sample clients could not be created.",
        )


def usable_key(base_url: str, storage: str, known: str | None, tenant: str, file: Path) -> str:
    """Return the known API key if it works for the tenant. Otherwise make a new key, and save it in the settings file.

    The known key no longer works if the emulator's files were deleted, or if it was made for other tenants.
    """
    if known and demo.key_opens(base_url, known, tenant):
        return known
    with step(f"Making an API key, and saving it in {file.name}"):
        tenants = list(dict.fromkeys((*local_data.SAMPLE_TENANTS, tenant)))
        key = local_data.make_key(environment.in_venv("python"), ROOT, storage, tenants)
        settings.save_value(file, "DEV_API_KEY", key)
    return key


def demonstrate(system: System) -> None:
    """Run one export, and print its result and how to do the same by hand."""
    print(f"\nExporting all clients of {system.tenant}:")
    try:
        with ProgressBar(sys.stdout, "rows") as bar:
            export = demo.run_export(system.base_url, system.tenant, system.key, EXPORTED_FILE, bar.show)
    except (OSError, http.client.HTTPException) as error:
        message = f"The connection broke ({error}). The host's log ends with:\n{system.host.tail()}"
        raise DevError(message) from error
    print(demo.summary(export, shown_path(EXPORTED_FILE)))
    for line in demo.first_lines(EXPORTED_FILE):
        print(f"    {line}")
    print(demo.by_hand(system.base_url, system.tenant, system.key, export))


def check_view(database: str, tenant: str) -> None:
    local_data.check_view(environment.in_venv("python"), ROOT, database, tenant)


def serve(system: System, database: str | None, make_enter_key: Callable[[], Callable[[], bool]]) -> None:
    """Run the export, and keep running until Ctrl-C, or until a program ends by itself.

    If the export of a database of the user's own fails, wait for Enter, and check and export again.
    """
    pressed: Callable[[], bool] | None = None
    while not try_export(system, database):
        pressed = pressed or make_enter_key()
        if not keep_running(system, pressed):
            return
        check_view(database or "", system.tenant)
    print(f"\nRunning until Ctrl-C. The host writes its log to {shown_path(system.host.log)}", flush=True)
    keep_running(system, lambda: False)


def as_typed(message: str, database: str | None) -> str:
    """Name the option that the user gave, where a message names the setting in which the service reads its value."""
    return message if database is None else message.replace(DATABASE, "--database")


def try_export(system: System, database: str | None) -> bool:
    """Run one export, and say whether it worked. If it fails on the sample clients, the run ends."""
    try:
        demonstrate(system)
    except DemoError as error:
        if database is None:
            raise
        print(f"\n{as_typed(str(error), database)}\n{FIX.format(page=system.base_url)}", flush=True)
        return False
    return True


def keep_running(system: System, until: Callable[[], bool]) -> bool:
    """Wait until `until` is true. Return False after Ctrl-C."""
    try:
        watch((system.host, system.azurite.process), until)
    except KeyboardInterrupt:
        print("\nStopping.", flush=True)
        return False
    return True


# --- the command line


def perform(options: argparse.Namespace, rest: Sequence[str]) -> int:
    """Run one command, and return its exit code."""
    arguments = vars(options)
    command = arguments.pop("command")
    if command == "run":
        return run_command(RunOptions(**arguments))
    if command == "test":
        return test_command(options.fast, options.thorough, options.engine, options.host, rest)
    if command in ("engine", "vendor"):
        return engine_command() if command == "engine" else vendor_command()
    if command == "fuzz":
        return fuzz_command(options.cases, options.seed)
    if command in PROGRAMS:
        return program_command(PROGRAMS[command], rest)
    if command == "cli":
        return running.run_command_line(LOCAL / SERVICE, LOCAL / RECORD, rest)
    if command == "package":
        return package_command(options.output)
    if command == "lock":
        return lock_command(options.upgrade)
    return setup_command()


def main(arguments: Sequence[str]) -> int:
    exempt_this_machine(os.environ)
    options, rest = PARSER.parse_known_args(arguments)
    if rest and options.command not in ("test", "cli", *PROGRAMS):
        PARSER.error(f"unknown arguments: {' '.join(rest)}")
    return run_to_exit_code(lambda: perform(options, rest), expected_errors=(DevError, DemoError))
