"""Exports with pandas: `read_sql` in portions, `to_csv`, `upload_blob`."""

from __future__ import annotations

import tempfile
from pathlib import Path

import pandas as pd
from sqlalchemy import create_engine, make_url, text

from tests.bench.rivals.common import ExportInput, run, statement, upload


def export(source: ExportInput) -> int:
    """Write all clients to a file, 20,000 at a time, then upload it."""
    url = make_url(source.database)
    if url.get_backend_name() == "postgresql":
        url = url.set(drivername="postgresql+psycopg")
    query = text(statement(url.get_backend_name(), f"tenant = '{source.tenant}'"))
    count = 0
    with (
        tempfile.NamedTemporaryFile("w", encoding="utf-8", newline="") as file,
        create_engine(url).connect().execution_options(stream_results=True) as connection,
    ):
        for frame in pd.read_sql(query, connection, chunksize=20_000):
            frame.to_csv(file, index=False, header=count == 0)
            count += len(frame)
        file.flush()
        upload(source, Path(file.name))
    return count


if __name__ == "__main__":
    run(export)
