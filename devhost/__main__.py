"""The command line of devhost: `python -m devhost --root DIR`."""

import argparse
import asyncio
import os
import sys
from pathlib import Path

from devhost.functions import StartupError
from devhost.host import Options, serve
from devhost.local import engine_program
from devhost.local.errors import DevError
from devhost.local.proxies import exempt_this_machine
from devhost.logs import configure_host_logging


def main() -> int:
    given = _parser().parse_args()
    exempt_this_machine(os.environ)
    configure_host_logging(quiet=given.quiet)
    try:
        options = _options(given)
        asyncio.run(serve(options))
    except (DevError, StartupError) as error:
        print(f"devhost: {error}", file=sys.stderr)
        return 1
    return 0


def _options(given: argparse.Namespace) -> Options:
    durable = engine_program.executable(given.durable) if given.durable else None
    return Options(given.root.resolve(), given.port, given.workers, given.state.resolve(), given.quiet, durable)


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="devhost", description="Runs a Python function app on this machine.")
    parser.add_argument("--root", type=Path, required=True, help="directory that holds function_app.py and host.json")
    parser.add_argument(
        "--port", type=int, default=7071, help="port for HTTP; 0 picks a free port (default: %(default)s)"
    )
    parser.add_argument(
        "--workers",
        type=_at_least_one,
        default=os.cpu_count() or 1,
        help="number of worker processes (default: number of cores)",
    )
    parser.add_argument(
        "--state",
        type=Path,
        default=Path(".local/devhost.sqlite"),
        help="SQLite file for durable state (default: %(default)s)",
    )
    parser.add_argument("--quiet", action="store_true", help="log warnings and errors only")
    parser.add_argument(
        "--durable",
        type=Path,
        metavar="PROGRAM",
        help="run orchestrations on the real Durable extension: durable-engine, or durable-engine.tar.xz, which is "
        "unpacked into .local (default: the engine of devhost)",
    )
    return parser


def _at_least_one(text: str) -> int:
    value = int(text)
    if value < 1:
        raise argparse.ArgumentTypeError("must be at least 1")
    return value


if __name__ == "__main__":
    sys.exit(main())
