"""The command line of devhost: `python -m devhost --root DIR`."""

import argparse
import asyncio
import os
import sys
from pathlib import Path

from devhost.functions import StartupError
from devhost.host import Options, serve
from devhost.logs import configure_logging


def main() -> int:
    options = _options()
    configure_logging(quiet=options.quiet)
    try:
        asyncio.run(serve(options))
    except StartupError as error:
        print(f"devhost: {error}", file=sys.stderr)
        return 1
    return 0


def _options() -> Options:
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
    given = parser.parse_args()
    return Options(given.root.resolve(), given.port, given.workers, given.state.resolve(), given.quiet)


def _at_least_one(text: str) -> int:
    value = int(text)
    if value < 1:
        raise argparse.ArgumentTypeError("must be at least 1")
    return value


if __name__ == "__main__":
    sys.exit(main())
