"""Exports a workbook with pandas and openpyxl: `read_sql`, `to_excel`, `upload_blob`."""

from __future__ import annotations

import tempfile
from pathlib import Path

import pandas as pd
from sqlalchemy import create_engine, make_url, text

from tests.bench.rivals.common import ExportInput, run, statement, upload


def export(source: ExportInput) -> int:
    """Read all clients, write them to a workbook, then upload it."""
    url = make_url(source.database).set(drivername="postgresql+psycopg")
    query = text(statement("postgresql", f"tenant = '{source.tenant}'"))
    with tempfile.TemporaryDirectory() as folder, create_engine(url).connect() as connection:
        file = Path(folder) / "clients.xlsx"
        frame = pd.read_sql(query, connection)
        frame.to_excel(file, index=False, engine="openpyxl")
        upload(source, file)
    return len(frame)


if __name__ == "__main__":
    run(export)
