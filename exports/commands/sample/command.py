"""`python -m exports sample-clients`."""

from __future__ import annotations

import argparse
import os
import sys

from exports.commands.progress import ProgressBar
from exports.commands.sample.database import create_sample_database, share_out
from exports.commands.sample.schema import SampleRefusedError


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
    progress = ProgressBar(sys.stderr, "clients")
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
