"""The preview of an export: its first rows, as they would stand in the file."""

from __future__ import annotations

from dataclasses import dataclass

from exports.request.columns import ColumnMapping
from exports.request.estimate import EstimateWarning
from exports.request.fields import TargetField
from shared.models import Model

MAX_ROWS = 10
MAX_CELL_CHARACTERS = 1_000
MAX_TEXT_CHARACTERS = 50_000
CUT_MARK = "…"


@dataclass(frozen=True, slots=True)
class ClientCount:
    """How many clients a selection has, as far as they could be counted in time.

    Attributes:
        total: The number of all; None if counting them takes too long.
        minimum: If `total` is None: it is this number or more. None: not even that is known.
    """

    total: int | None = None
    minimum: int | None = None


class ExportPreviewDto(Model):
    """The answer of `POST …/clients/export/csv/preview`.

    Attributes:
        total_items: Number of clients; null if the client database takes too long to count them.
        minimum_items: If `totalItems` is null: there are at least so many clients, never fewer than `rows` has.
            Otherwise null, and also if not one is found in time.
        columns: The columns of the file, in order.
        rows: The cells of the first ten clients, without the header, as a program reads them from the file: with the
            apostrophes of the formula guard, for example. A cell of more than 1,000 characters is cut, and ends with
            `…`.
        rows_complete: Whether these are the first ten clients, or all if there are fewer. If not, the client database
            takes long to find them, and `rows` holds those of them that it has found in time.
        omitted_fields: The sensitive fields that are left out because the caller may not read them.
        warnings: `cells-too-long`, as in an estimate, if these clients have text that no cell of a workbook can hold.
            It says whether the text will be cut or the export would fail. `rows` shows the beginning of such text.
        text: The beginning of the file as text, with the header if it has one, before compression and without a byte
            order mark; empty for a workbook. It is cut after 50,000 characters.
    """

    total_items: int | None
    minimum_items: int | None
    columns: tuple[ColumnMapping, ...]
    rows: tuple[tuple[str, ...], ...]
    rows_complete: bool
    omitted_fields: tuple[TargetField, ...]
    warnings: tuple[EstimateWarning, ...]
    text: str
