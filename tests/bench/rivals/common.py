"""What the rivals share: the statement, and the report on standard output."""

from __future__ import annotations

import json
import os
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from azure.storage.blob import BlobClient

from exports.request.fields import CellKind, TargetField, cell_kind, source_columns


@dataclass(frozen=True)
class Errand:
    """What a rival is told."""

    database: str
    storage: str
    tenant: str
    container: str = "rivals"
    blob: str = "clients.csv"


def statement(dialect: str, where: str) -> str:
    """SELECT the 67 columns; whole addresses are joined by the database."""
    return (
        f"SELECT {', '.join(_column(field, dialect) for field in TargetField)} FROM clients WHERE {where} ORDER BY code"
    )


def _column(field: TargetField, dialect: str) -> str:
    names = source_columns(field)
    if cell_kind(field) is not CellKind.ADDRESS:
        return f'{names[0]} AS "{field.value}"'
    if dialect == "postgresql":
        joined = f"concat_ws(', ', {', '.join(names)})"
    else:
        joined = "ltrim(" + " || ".join(f"coalesce(', ' || {name}, '')" for name in names) + ", ', ')"
    return f'{joined} AS "{field.value}"'


def upload(errand: Errand, file: Path) -> None:
    """Upload a file as the SDK does by itself: in blocks, one after the other."""
    with (
        BlobClient.from_connection_string(errand.storage, errand.container, errand.blob) as blob,
        file.open("rb") as data,
    ):
        blob.upload_blob(data, overwrite=True)


def run(rival: Callable[[Errand], int]) -> None:
    """Run a rival on the errand in its environment, and tell the seconds without those of starting Python."""
    errand = Errand(os.environ["BENCH_DATABASE"], os.environ["BENCH_STORAGE"], os.environ["BENCH_TENANT"])
    began = time.perf_counter()
    rows = rival(errand)
    json.dump({"seconds": time.perf_counter() - began, "rows": rows}, sys.stdout)
