"""Exports with XlsxWriter in its mode of constant memory, then `upload_blob`."""

from __future__ import annotations

import tempfile
from pathlib import Path

import psycopg
import xlsxwriter
from sqlalchemy import make_url

from exports.request.fields import TargetField
from tests.bench.rivals.common import ExportInput, run, statement, upload


def export(source: ExportInput) -> int:
    """Write all clients to a workbook, row by row, then upload it."""
    url = make_url(source.database).set(drivername="postgresql").render_as_string(hide_password=False)
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder) / "clients.xlsx"
        book = xlsxwriter.Workbook(
            str(file), {"constant_memory": True, "strings_to_formulas": False, "strings_to_urls": False}
        )
        sheet = book.add_worksheet()
        days = book.add_format({"num_format": "yyyy-mm-dd"})
        sheet.write_row(0, 0, [field.value for field in TargetField])
        dates = {number for number, field in enumerate(TargetField) if "Date" in field.value}
        for number in dates:
            sheet.set_column(number, number, None, days)
        count = 0
        with psycopg.connect(url) as connection, connection.cursor("clients") as cursor:
            cursor.itersize = 20_000
            cursor.execute(statement("postgresql", f"tenant = '{source.tenant}'").encode())
            for count, row in enumerate(cursor, 1):
                sheet.write_row(count, 0, row)
        book.close()
        upload(source, file)
    return count


if __name__ == "__main__":
    run(export)
