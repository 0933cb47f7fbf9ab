"""`python -m exports costs`: what an export has cost, from its manifest and the prices you pay."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Iterator
from pathlib import Path

from pydantic import ValidationError

from exports.commands.storage import refuse
from exports.file.manifest import ManifestDto
from exports.jobs.cost import Cost

_MILLION = 1_000_000
_PER_10_000 = {
    "blob-write": ("blob_write", "write operations of the Blob service"),
    "blob-read": ("blob_read", "read operations of the Blob service"),
    "table-write": ("table_write", "write operations of Table Storage"),
    "table-read": ("table_read", "read operations of Table Storage"),
}
"""Option → what is counted, and what price lists call it; prices are for 10,000."""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Say what the command takes."""
    parser.add_argument("manifest", type=Path, metavar="MANIFEST", help="the answer of …/{code}/manifest")
    for option, (_, name) in _PER_10_000.items():
        parser.add_argument(f"--{option}", type=float, default=0.0, metavar="PRICE", help=f"of 10,000 {name}")
    parser.add_argument(
        "--gb-second", type=float, default=0.0, metavar="PRICE", help="of a GB-second of execution (Azure Functions)"
    )
    parser.add_argument(
        "--memory-gb", type=float, default=2.0, metavar="GB", help="memory of an instance (default: %(default)s)"
    )
    parser.add_argument(
        "--at-once", type=float, default=1.0, metavar="N", help="steps that share an instance (default: %(default)s)"
    )


def run(arguments: argparse.Namespace) -> int:
    """Print counts and, where prices are given, money; return the exit code."""
    try:
        manifest = ManifestDto.model_validate_json(arguments.manifest.read_bytes())
    except (OSError, ValidationError) as error:
        return refuse(f"{arguments.manifest} cannot be read as a manifest ({type(error).__name__}).")
    if manifest.cost is None or not manifest.rows:
        return refuse("This manifest has no cost to tell: an older version wrote it, or it is of no clients.")
    sys.stdout.write("".join(f"{line}\n" for line in _report(manifest.cost, manifest.rows, arguments)))
    return 0


def _report(cost: Cost, rows: int, prices: argparse.Namespace) -> Iterator[str]:
    yield f"{'':22}{f'{rows:,} clients':>20}{'a million':>16}{'price, a million':>20}"
    each = _MILLION / rows
    money = 0.0
    for option, (kind, _) in _PER_10_000.items():
        count = getattr(cost.storage_requests, kind)
        price = count * each / 10_000 * getattr(prices, option.replace("-", "_"))
        yield _line(option.replace("-", " ") + "s", count, count * each, price)
        money += price
    seconds = cost.function_seconds
    price = seconds * each * prices.memory_gb / prices.at_once * prices.gb_second
    yield _line("seconds of steps", seconds, seconds * each, price)
    yield _line("bytes sent", cost.bytes_sent, cost.bytes_sent * each, 0.0)
    yield f"{'together':58}{money + price:>20,.6f}"


def _line(name: str, count: float, per_million: float, price: float) -> str:
    return f"{name:22}{count:>20,.10g}{per_million:>16,.0f}{price:>20,.6f}"
