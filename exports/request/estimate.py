"""What an export is likely to come to, as it is shown to whoever asks before starting one."""

from __future__ import annotations

from enum import StrEnum

from shared.models import Model

EXCEL_MAX_RECORDS = 1_048_576
"""Rows of a sheet (Excel specifications and limits); the header takes one."""


class WarningCode(StrEnum):
    """What the caller may want to know before exporting."""

    EXCEL_ROW_LIMIT = "excel-row-limit"
    EXCEL_CHANGES_CELLS = "excel-changes-cells"
    GUARD_CHANGES_CELLS = "guard-changes-cells"
    FIELDS_LEFT_OUT = "fields-left-out"


class EstimateWarning(Model):
    """One thing to know before exporting.

    Attributes:
        columns: The columns it is about, by their headers; for `fields-left-out` the fields.
    """

    code: WarningCode
    message: str
    columns: tuple[str, ...] = ()


class ExportEstimateDto(Model):
    """The answer of `POST …/clients/export/csv/estimate`.

    Attributes:
        rows: Clients, counted.
        bytes: Size of the file as stored, judged by a sample.
        pages: Blocks it will be written in, judged by a sample.
        seconds: By a rate that the deployment sets, for an export that waits for no other.
        warnings: What to know beforehand; those about cells rest on a sample.
    """

    rows: int
    bytes: int
    pages: int
    seconds: float
    warnings: tuple[EstimateWarning, ...]
