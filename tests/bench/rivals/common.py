"""Code that the rivals share: their input, the statement, and the report on standard output."""

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
class ExportInput:
    """The input of a rival: where to read and where to write."""

    database: str
    storage: str
    tenant: str
    blob: str
    container: str = "rivals"


def statement(dialect: str, where: str) -> str:
    """Return a SELECT of the 67 columns, in which the database joins the parts of whole addresses."""
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


def upload(source: ExportInput, file: Path) -> None:
    """Upload a file with the defaults of the SDK: in blocks, one after the other."""
    with (
        BlobClient.from_connection_string(source.storage, source.container, source.blob) as blob,
        file.open("rb") as data,
    ):
        blob.upload_blob(data, overwrite=True)


def run(rival: Callable[[ExportInput], int]) -> None:
    """Run a rival on the input from its environment; report its rows and seconds, not counting the start of Python."""
    names = ("BENCH_DATABASE", "BENCH_STORAGE", "BENCH_TENANT", "BENCH_BLOB")
    source = ExportInput(*(os.environ[name] for name in names))
    began = time.perf_counter()
    rows = rival(source)
    json.dump({"seconds": time.perf_counter() - began, "rows": rows}, sys.stdout)
