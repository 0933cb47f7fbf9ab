"""Run thousands of small exports, and check that nothing grows with them: `python3 dev.py soak`.

Reports the memory of the workers, which must stay flat within 5 % after the first 200 exports, and the storage requests
that the app sends for an export, which must not grow. The exit code is 1 if a goal is missed. The seconds of an export
are no goal, because the storage emulator slows down as its files grow.
"""

from __future__ import annotations

import argparse
import os
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from sqlalchemy import make_url

from devhost.local import engine_program
from devhost.local.command_line import positive
from exports.commands.sample.clients import SampleClients
from exports.commands.sample.sqlite import fill_sqlite
from shared.progress import ProgressBar
from tests.bench.environment import filled_databases, running, storage
from tests.bench.figures import line
from tests.soak.exports import ROWS, TENANT, requests_of_export, sampled_exports
from tests.soak.findings import Findings

_CROWD = 3
"""How many times more exports run at the same time during the warm-up. A worker needs some 5 MiB for exports that run
together, and keeps it. So each worker must have run as many of them together as it ever will."""


def main() -> int:
    """Run the exports, and print the figures; return 1 if a goal is missed."""
    options = _options()
    if options.engine:
        os.environ[engine_program.USED] = str(engine_program.executable(options.engine))
    began = time.monotonic()
    with tempfile.TemporaryDirectory(prefix="client-export-soak-") as scratch:
        findings = _soak(Path(scratch), options)
    figures = findings.figures()
    for figure in figures:
        print(line(figure))
    print(f"  memory of the workers from the warm-up on, in MiB: {findings.course()}")
    missed = [figure.name for figure in figures if figure.verdict == "MISS"]
    seconds = time.monotonic() - began
    print(f"{options.exports:,} exports in {seconds:,.0f} s; goals missed: {', '.join(missed) or 'none'}")
    return 1 if missed else 0


def _soak(folder: Path, options: argparse.Namespace) -> Findings:
    with (
        _database(folder, options.database) as database,
        storage(folder / "azurite", {TENANT: ROWS}) as emulator,
        running(folder / "host", emulator, database) as system,
        ProgressBar(sys.stdout, "exports") as bar,
    ):

        def show(done: int) -> None:
            bar.show(done, options.exports)

        crowd = _CROWD * options.callers
        *_, warm = sampled_exports(system, range(options.warm_up), crowd, show)
        first = requests_of_export(system, emulator)
        later = [*sampled_exports(system, range(options.warm_up, options.exports), options.callers, show)]
        return Findings(warm, later, first, requests_of_export(system, emulator))


@contextmanager
def _database(folder: Path, kind: str) -> Iterator[str]:
    """Make a database of 150 clients, and return its URL."""
    if kind == "postgresql":
        with filled_databases(folder, {TENANT: ROWS}, {}, {TENANT: 1}) as databases:
            yield databases.postgres
        return
    url = make_url(f"sqlite:///{folder / 'clients.sqlite'}")
    fill_sqlite(url, SampleClients(TENANT, 1).rows(1, ROWS))
    yield str(url)


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="dev.py soak", description=__doc__)
    parser.add_argument("--exports", type=positive, default=5_000, help="how many to run (default: 5,000)")
    parser.add_argument("--callers", type=positive, default=3, help="how many run at the same time (default: 3)")
    parser.add_argument(
        "--warm-up", type=positive, default=200, metavar="N", help="exports before memory must be flat (default: 200)"
    )
    parser.add_argument("--database", choices=("sqlite", "postgresql"), default="sqlite", help="(default: sqlite)")
    parser.add_argument(
        "--engine",
        type=Path,
        metavar="PROGRAM",
        help="run orchestrations on the real Durable extension: durable-engine",
    )
    options = parser.parse_args()
    if options.exports <= options.warm_up:
        parser.error("--exports must be larger than --warm-up")
    return options


if __name__ == "__main__":
    sys.exit(main())
