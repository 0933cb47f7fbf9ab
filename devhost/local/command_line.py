"""The command line of dev.py."""

from __future__ import annotations

import argparse
import os
from dataclasses import dataclass
from pathlib import Path

MAX_PORT = 65_535


@dataclass(frozen=True)
class Defaults:
    """The values that the help text of `run` shows."""

    tenant: str
    clients: int
    exported_file: str


def make_parser(defaults: Defaults) -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="dev.py", description="Set up, run and test client-export on this machine.", allow_abbrev=False
    )
    commands = parser.add_subparsers(dest="command", required=True, metavar="command")
    commands.add_parser(
        "setup", help="install the Python packages, Node and the storage emulator (the other commands do this too)"
    )
    run = commands.add_parser(
        "run", help="start the whole system here, run one export, and keep running", allow_abbrev=False
    )
    _add_run_options(run, defaults)
    commands.add_parser(
        "cli", help="run a command of client-export, or of python -m exports, on the running system", add_help=False
    )
    test = commands.add_parser(
        "test",
        help="run linters, type check and tests",
        description="Run ruff, mypy, import-linter and pytest. Other arguments than these go to pytest.",
        allow_abbrev=False,
    )
    extent = test.add_mutually_exclusive_group()
    extent.add_argument("--fast", action="store_true", help="skip the tests marked as slow")
    extent.add_argument("--thorough", action="store_true", help="also run what is marked as thorough, as CI does")
    extent.add_argument(
        "--engine",
        type=Path,
        metavar="PROGRAM",
        help="run e2e, faults and chaos schedules only, on the real Durable extension (see docs/devhost.md)",
    )
    extent.add_argument(
        "--host", choices=("func",), help="run e2e only, on Azure Functions Core Tools (`func`), which must be on PATH"
    )
    fuzz = commands.add_parser("fuzz", help="send generated requests, made from its /openapi.json, to the service")
    fuzz.add_argument("--cases", type=positive, default=2000, help="least number of requests (default: 2,000)")
    fuzz.add_argument(
        "--seed", type=positive, default=1, help="random seed; another seed generates other requests (default: 1)"
    )
    commands.add_parser(
        "chaos", help="run random schedules of kills, outages and repeated steps, and check the results", add_help=False
    )
    commands.add_parser(
        "bench", help="compare speed with other ways to export clients; measure latency and memory", add_help=False
    )
    commands.add_parser(
        "soak", help="run thousands of small exports; check that memory and requests do not grow", add_help=False
    )
    commands.add_parser(
        "pictures", help="take the pictures of the UI in the documents again, or those that are named", add_help=False
    )
    commands.add_parser("engine", help="build the program with the real Durable extension (needs the .NET 10 SDK)")
    package = commands.add_parser("package", help="make the deployment package, a zip file")
    package.add_argument("--output", type=Path, default=Path("out/client-export.zip"), metavar="FILE")
    lock = commands.add_parser("lock", help="for maintainers: pin requirements*.txt from requirements*.in")
    lock.add_argument("--upgrade", action="store_true", help="take the newest allowed versions, not the pinned ones")
    commands.add_parser("vendor", help="for maintainers: copy the libraries of the UI from the pinned npm packages")
    return parser


def _add_run_options(run: argparse.ArgumentParser, defaults: Defaults) -> None:
    run.description = (
        "Start storage, host and app on this machine, export all clients of one tenant over HTTP "
        f"into {defaults.exported_file}, and keep running until Ctrl-C."
    )
    run.add_argument("--once", action="store_true", help="stop everything after the export")
    run.add_argument("--port", type=port, default=7071, help="port of the service (default: 7071)")
    run.add_argument(
        "--workers", type=positive, default=os.cpu_count() or 1, help="worker processes (default: one per core)"
    )
    run.add_argument(
        "--host",
        choices=("auto", "devhost", "func"),
        default="auto",
        help="func: Azure Functions Core Tools; devhost: the included stand-in; auto (default): func if installed",
    )
    run.add_argument(
        "--engine",
        type=Path,
        metavar="PROGRAM",
        help="durable-engine or its archive: run orchestrations on the real Durable extension, not on devhost's own",
    )
    source = run.add_mutually_exclusive_group()
    source.add_argument(
        "--clients",
        type=positive,
        metavar="N",
        help=f"size of the sample database (default: as it is, or {defaults.clients:,} if there is none)",
    )
    source.add_argument(
        "--database",
        metavar="URL",
        help="export from this database (a SQLAlchemy URL); it must have the view `clients`",
    )
    run.add_argument(
        "--tenant",
        help=f"tenant whose clients to export; required with --database (default: {defaults.tenant}, a sample tenant)",
    )


def port(text: str) -> int:
    number = positive(text)
    if number > MAX_PORT:
        message = f"{text} is not a port; the last one is {MAX_PORT}"
        raise argparse.ArgumentTypeError(message)
    return number


def positive(text: str) -> int:
    number = int(text)
    if number < 1:
        message = f"{text} is not a positive number"
        raise argparse.ArgumentTypeError(message)
    return number
