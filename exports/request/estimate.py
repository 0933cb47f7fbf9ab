"""The estimate of an export: what a caller can learn about the file before starting the export."""

from __future__ import annotations

from enum import StrEnum

from shared.models import Model

EXCEL_MAX_RECORDS = 1_048_576
"""Rows of a worksheet (Excel specifications and limits). The header takes one of them."""

EXCEL_MAX_CELL_CHARS = 32_767
"""Characters of a cell (Excel specifications and limits), counted in units of UTF-16."""


class WarningCode(StrEnum):
    """The kind of a warning about an export."""

    EXCEL_ROW_LIMIT = "excel-row-limit"
    EXCEL_CHANGES_CELLS = "excel-changes-cells"
    EXCEL_CUTS_CELLS = "excel-cuts-cells"
    CELLS_TOO_LONG = "cells-too-long"
    SEVERAL_SHEETS = "several-sheets"
    HEADERS_ALIKE = "headers-alike"
    GUARD_CHANGES_CELLS = "guard-changes-cells"
    FIELDS_LEFT_OUT = "fields-left-out"
    INCOMPLETE_COLUMNS = "incomplete-columns"
    SNAPSHOT_IS_SLOWER = "snapshot-is-slower"
    SNAPSHOT_TOO_LONG = "snapshot-too-long"


class EstimateWarning(Model):
    """A warning about the file that the export would write.

    Attributes:
        columns: Headers of the columns that the warning is about; for `fields-left-out`, names of the fields.
    """

    code: WarningCode
    message: str
    columns: tuple[str, ...] = ()


class ExportEstimateDto(Model):
    """The answer of `POST …/clients/export/csv/estimate`.

    Attributes:
        rows: Number of clients. This is a count, not an estimate.
        bytes: Size of the file as stored, estimated from a sample of the clients.
        pages: Number of pages (one block of the file each), estimated from the sample.
        seconds: Duration if the export need not wait for others, at the rate of recent similar jobs of the tenant, or
            else at the rate that the deployment configures. A host that dies adds about a minute.
        recent_jobs: How many recent jobs the rate is learned from; 0: it is the configured one.
        warnings: What to check before exporting. Warnings about cells are based on the sample.
    """

    rows: int
    bytes: int
    pages: int
    seconds: float
    warnings: tuple[EstimateWarning, ...]
    recent_jobs: int = 0
