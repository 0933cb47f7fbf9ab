"""Benchmark the running system and the programs that a user could write instead: `python3 dev.py bench`.

Prints a table of figures with their goals, and writes `out/bench.json` and the chart `out/bench.svg`. Machines are
noisy: compare the ratios within one run, not the absolute figures, and use a machine that does nothing else.
"""

from __future__ import annotations

import argparse
import os
import platform
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from pathlib import Path

from devhost.local import engine_program
from devhost.local.azurite import Azurite
from devhost.local.paths import ROOT
from tests.bench import chart, many_jobs, parts
from tests.bench.comparison import TENANT, compare
from tests.bench.engines import compare_engines
from tests.bench.environment import NARROW_REQUEST, Databases, Sizes, filled_databases, storage
from tests.bench.figures import Figure, line, save
from tests.bench.small_exports import small_exports
from tests.bench.snapshots import compare_snapshots
from tests.bench.workbooks import TENANT as SHEETS
from tests.bench.workbooks import compare_workbooks, rows_of_frames

Part = Callable[[Path, Azurite, Databases], Iterator[Figure]]
NARROW_SIZES: Sizes = {"hundred": 100_000, "million": 1_000_000, "ten": 10_000_000}
WIDE_SIZES: Sizes = {"hundred": 100_000, "big": 1_000_000}


def main() -> None:
    """Run the chosen parts of the benchmark, and print each figure when it is measured."""
    options = _options()
    if options.engine:
        os.environ[engine_program.USED] = str(engine_program.executable(options.engine))
    chosen = {name: part for name, part in _parts(options).items() if _is_chosen(name, options)}
    wide, narrow = _sizes(options, set(chosen))
    figures: list[Figure] = []
    began = time.monotonic()
    with tempfile.TemporaryDirectory(prefix="client-export-bench-") as scratch:
        say(f"creating {sum(wide.values()) + sum(narrow.values()):,} clients")
        in_sqlite = {TENANT: options.rows} if {"comparison", "snapshot"} & chosen.keys() else {}
        with filled_databases(Path(scratch), wide, in_sqlite, narrow) as databases:
            for name, part in chosen.items():
                say(name)
                folder = Path(scratch) / name
                folder.mkdir()
                with storage(folder / "azurite", {**wide, **narrow}) as emulator:
                    for figure in part(folder, emulator, databases):
                        figures.append(figure)
                        print(line(figure), flush=True)
    _report(figures, options, time.monotonic() - began)


def _is_chosen(name: str, options: argparse.Namespace) -> bool:
    if name == "engines" and not options.engine:
        return False
    # pandas with openpyxl holds a whole workbook in memory, and few exports are snapshots: these parts must be named.
    # `many` is the short form of `together`.
    return name in options.only if options.only else name not in ("workbook", "snapshot", "many")


def _parts(options: argparse.Namespace) -> dict[str, Part]:
    narrow = {name: rows for name, rows in NARROW_SIZES.items() if rows <= options.largest}
    wide = {name: rows for name, rows in WIDE_SIZES.items() if rows <= options.largest}
    # The emulator takes some minutes for twenty thousand pages, so they are measured only if the part is named.
    paged = narrow if options.only else {name: rows for name, rows in narrow.items() if rows <= 1_000_000}
    return {
        "comparison": lambda folder, emulator, databases: compare(
            folder, emulator, databases, options.rows, options.rounds
        ),
        "workbook": lambda folder, emulator, databases: compare_workbooks(
            folder, emulator, databases, options.rows, options.rounds
        ),
        "snapshot": lambda folder, emulator, databases: compare_snapshots(
            folder, emulator, databases, options.rows, options.rounds
        ),
        "latency": lambda folder, emulator, databases: parts.latency(folder, emulator, databases.postgres),
        "small": lambda folder, emulator, databases: small_exports(
            folder, emulator, databases.postgres, long_idle=options.idle
        ),
        "engines": lambda folder, _, databases: compare_engines(
            folder, _sizes(options, set())[0], databases.postgres, options.rows, options.rounds
        ),
        "many": lambda folder, _, databases: many_jobs.many_jobs(
            folder, _sizes(options, {"many"})[0], databases.postgres, options.rounds
        ),
        "together": lambda folder, _, databases: parts.simultaneous_jobs(
            folder, _sizes(options, {"together"})[0], databases.postgres, WIDE_SIZES["big"], options.rows
        ),
        "memory": lambda folder, emulator, databases: parts.memory(
            folder, emulator, databases.postgres, wide, columns=67
        ),
        "growth": lambda folder, emulator, databases: parts.memory(
            folder, emulator, databases.narrow, narrow, columns=12, body=NARROW_REQUEST
        ),
        "pages": lambda folder, emulator, databases: parts.pages(
            folder, emulator, databases.narrow, paged, NARROW_REQUEST
        ),
    }


def _sizes(options: argparse.Namespace, chosen: set[str]) -> tuple[Sizes, Sizes]:
    """Return the number of clients by tenant that the chosen parts need: with all columns, and with twelve."""
    wide: Sizes = {TENANT: options.rows, "small": parts.SMALL_ROWS, "job": parts.JOB_ROWS}
    if "memory" in chosen:
        wide |= {name: rows for name, rows in WIDE_SIZES.items() if rows <= options.largest}
    if "many" in chosen:
        wide[many_jobs.TENANT] = many_jobs.ROWS
    if "workbook" in chosen:
        wide[SHEETS] = rows_of_frames(options.rows)
    if "together" in chosen:
        wide["big"] = WIDE_SIZES["big"]
    narrow = {name: rows for name, rows in NARROW_SIZES.items() if rows <= options.largest}
    return wide, narrow if chosen & {"growth", "pages"} else {"hundred": 100}


def _options() -> argparse.Namespace:
    compared = ("comparison", "workbook", "snapshot")
    names = (*compared, "latency", "small", "engines", "many", "together", "memory", "growth", "pages")
    parser = argparse.ArgumentParser(prog="dev.py bench", description=__doc__)
    parser.add_argument(
        "--quick",
        action="store_true",
        help="three minutes: 50,000 clients, three rounds, only comparison, latency, small",
    )
    parser.add_argument(
        "--engine",
        type=Path,
        metavar="PROGRAM",
        help="run orchestrations on the real Durable extension: durable-engine",
    )
    parser.add_argument("--idle", action="store_true", help="also measure a small export after ten idle minutes")
    parser.add_argument("--rows", type=int, default=200_000, help="clients in the comparison (default: %(default)s)")
    parser.add_argument("--rounds", type=int, default=5, help="rounds of the comparison (default: %(default)s)")
    parser.add_argument("--only", action="append", choices=names, help="run only this part; repeatable")
    parser.add_argument(
        "--largest", type=int, default=1_000_000, help="clients in the largest export (default: %(default)s)"
    )
    parser.add_argument(
        "--ten-million", dest="largest", action="store_const", const=10_000_000, help="the same as --largest 10000000"
    )
    parser.add_argument("--out", type=Path, default=ROOT / "out", help="folder for bench.json and bench.svg")
    options = parser.parse_args()
    if options.only and "engines" in options.only and not options.engine:
        parser.error("--only engines needs --engine")
    if options.quick:
        options.rows, options.rounds = min(options.rows, 50_000), min(options.rounds, 3)
        options.only = options.only or ["comparison", "latency", "small"]
    return options


def _report(figures: list[Figure], options: argparse.Namespace, seconds: float) -> None:
    about: dict[str, object] = {
        "date": datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%SZ"),
        "cores": os.cpu_count(),
        "python": platform.python_version(),
        "engine": "the real Durable extension" if options.engine else "devhost",
        "rows": options.rows,
        "rounds": options.rounds,
        "seconds": round(seconds),
    }
    save(figures, about, options.out / "bench.json")
    title = f"{options.rows:,} clients × 67 columns to blob storage, {os.cpu_count()} cores, median of {options.rounds}"
    if drawing := chart.draw(figures, title):
        (options.out / "bench.svg").write_text(drawing, encoding="utf-8")
    missed = [figure.name for figure in figures if figure.verdict == "MISS"]
    print(f"\n{len(figures)} figures in {seconds:,.0f} s; goals missed: {', '.join(missed) or 'none'}", flush=True)


def say(text: str) -> None:
    """Print a progress message to standard error, so that standard output holds only the table."""
    print(f"… {text}", file=sys.stderr, flush=True)


if __name__ == "__main__":
    main()
