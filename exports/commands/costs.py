"""`python -m exports costs`: computes the cost of an export from its manifest and the prices that the user pays."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Iterator
from pathlib import Path

from pydantic import ValidationError

from exports.commands.command_line import CommandError
from exports.file.manifest import ManifestDto
from exports.jobs.cost import Cost

_MILLION = 1_000_000
_PER_10_000 = {
    "blob-write": ("blob_write", "write operations of the Blob service"),
    "blob-read": ("blob_read", "read operations of the Blob service"),
    "table-write": ("table_write", "write operations of Table Storage"),
    "table-read": ("table_read", "read operations of Table Storage"),
}
"""Option → the count that its price applies to, and the name in price lists. Price lists state prices per 10,000."""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("manifest", type=Path, metavar="MANIFEST", help="the response of GET …/{code}/manifest, saved")
    for option, (_, name) in _PER_10_000.items():
        parser.add_argument(f"--{option}", type=float, default=0.0, metavar="PRICE", help=f"price of 10,000 {name}")
    parser.add_argument(
        "--gb-second", type=float, default=0.0, metavar="PRICE", help="price of a GB-second in Azure Functions"
    )
    parser.add_argument(
        "--memory-gb", type=float, default=2.0, metavar="GB", help="memory of an instance (default: %(default)s)"
    )
    parser.add_argument(
        "--at-once",
        type=float,
        default=1.0,
        metavar="N",
        help="steps that run on an instance at the same time (default: %(default)s)",
    )


def run(arguments: argparse.Namespace) -> int:
    """Print the counts, and the costs at the given prices; return the exit code."""
    try:
        manifest = ManifestDto.model_validate_json(arguments.manifest.read_bytes())
    except (OSError, ValidationError) as error:
        message = f"{arguments.manifest} cannot be read as a manifest ({type(error).__name__})."
        raise CommandError(message) from error
    if manifest.cost is None or not manifest.rows:
        raise CommandError("The manifest states no cost: an older version wrote it, or the export has no clients.")
    sys.stdout.write("".join(f"{line}\n" for line in _report(manifest.cost, manifest.rows, arguments)))
    return 0


def _report(cost: Cost, rows: int, prices: argparse.Namespace) -> Iterator[str]:
    yield f"{'':22}{f'{rows:,} clients':>20}{'per million':>16}{'price per million':>20}"
    per_row = _MILLION / rows
    total = 0.0
    for option, (kind, _) in _PER_10_000.items():
        count = getattr(cost.storage_requests, kind)
        price = count * per_row / 10_000 * getattr(prices, option.replace("-", "_"))
        yield _line(option.replace("-", " ") + "s", count, count * per_row, price)
        total += price
    seconds = cost.function_seconds
    price = seconds * per_row * prices.memory_gb / prices.at_once * prices.gb_second
    yield _line("seconds of steps", seconds, seconds * per_row, price)
    yield _line("bytes sent", cost.bytes_sent, cost.bytes_sent * per_row, 0.0)
    yield f"{'total':58}{total + price:>20,.6f}"


def _line(name: str, count: float, per_million: float, price: float) -> str:
    return f"{name:22}{count:>20,.10g}{per_million:>16,.0f}{price:>20,.6f}"
