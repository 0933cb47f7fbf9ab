"""`python -m exports sample-clients`: fills a database with invented clients."""

from __future__ import annotations

import argparse
import os
import sys

from exports.commands.sample.database import create_sample_database, share_out
from shared.progress import ProgressBar


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "--database",
        required=True,
        metavar="URL",
        help="sqlite:///path, postgresql://… or azure-tables:///table (in the storage account of EXPORT_STORAGE)",
    )
    parser.add_argument(
        "--clients", required=True, type=int, metavar="N", help="number of clients of all tenants together"
    )
    parser.add_argument(
        "--tenants",
        default="northwind,harbour",
        metavar="A,B",
        help="tenants: the first gets three quarters of the clients, the others share the rest (default: %(default)s)",
    )
    parser.add_argument(
        "--seed", default=1, type=int, metavar="N", help="random seed; another seed makes other clients (default: 1)"
    )


def run(arguments: argparse.Namespace) -> int:
    """Create the database, and return the exit code."""
    tenants = [name for name in (part.strip() for part in arguments.tenants.split(",")) if name]
    storage = os.environ.get("EXPORT_STORAGE", "")
    with ProgressBar(sys.stderr, "clients") as progress:
        create_sample_database(arguments.database, arguments.clients, tenants, arguments.seed, progress.show, storage)
    shares = ", ".join(f"{tenant} {count:,}" for tenant, count in share_out(arguments.clients, tenants).items())
    sys.stderr.write(f"{arguments.clients:,} clients in {progress.seconds():.1f} s: {shares}\n")
    return 0
