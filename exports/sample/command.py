"""`python -m exports sample-clients`."""

from __future__ import annotations

import argparse
import os
import sys
import time
from typing import TextIO

from exports.sample.database import SampleRefusedError, create_sample_database, share_out

_BAR_WIDTH = 30


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Say what the command takes."""
    parser.add_argument(
        "--database",
        required=True,
        metavar="URL",
        help="sqlite:///path, postgresql://… or azure-tables:///table, then of the account in EXPORT_STORAGE",
    )
    parser.add_argument("--clients", required=True, type=int, metavar="N", help="how many, over all tenants")
    parser.add_argument(
        "--tenants",
        default="northwind,harbour",
        metavar="A,B",
        help="the first gets three quarters, the others share the rest (default: %(default)s)",
    )
    parser.add_argument("--seed", default=1, type=int, metavar="N", help="another seed, other clients (default: 1)")


def run(arguments: argparse.Namespace) -> int:
    """Make the database; return the exit code."""
    tenants = [name for name in (part.strip() for part in arguments.tenants.split(",")) if name]
    progress = _Progress(sys.stderr)
    try:
        create_sample_database(
            arguments.database,
            arguments.clients,
            tenants,
            arguments.seed,
            progress.show,
            os.environ.get("EXPORT_STORAGE", ""),
        )
    except SampleRefusedError as error:
        sys.stderr.write(f"{error}\n")
        return 1
    shares = ", ".join(f"{tenant} {count:,}" for tenant, count in share_out(arguments.clients, tenants).items())
    sys.stderr.write(f"{arguments.clients:,} clients in {progress.seconds():.1f} s: {shares}\n")
    return 0


class _Progress:
    """A bar on a terminal; elsewhere a line for every quarter."""

    def __init__(self, stream: TextIO) -> None:
        self._stream = stream
        self._is_terminal = stream.isatty()
        self._began = time.monotonic()
        self._quarters_told = 0

    def seconds(self) -> float:
        return time.monotonic() - self._began

    def show(self, done: int, total: int) -> None:
        share = done / total if total else 1.0
        if self._is_terminal:
            bar = "█" * int(share * _BAR_WIDTH)
            end = "\n" if done == total else ""
            self._stream.write(f"\r{bar:░<{_BAR_WIDTH}} {share:4.0%}  {done:,} of {total:,}{end}")
            self._stream.flush()
        elif int(share * 4) > self._quarters_told:
            self._quarters_told = int(share * 4)
            self._stream.write(f"{done:,} of {total:,} clients\n")
