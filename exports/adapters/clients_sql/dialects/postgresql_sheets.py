"""Let PostgreSQL write plain records for the rows of a worksheet (`exports.file.xlsx.sheet_rows`).

COPY writes the separator of text between its columns. It has a column for each text of a record. Truth values and days
that follow the text stand behind it in the same column, each after the separator that says its kind.

Text may hold what a workbook cannot: characters that XML refuses, among them the separators, or more characters than a
cell may have. Such records are rare. They are taken apart, repaired and put together again.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence

from exports.adapters.clients_sql.dialects.postgresql_cells import copied_cell
from exports.adapters.clients_sql.dialects.postgresql_records import cell_text, split_cells
from exports.adapters.clients_sql.sql.columns import CellForm, ClientView
from exports.errors import SourceMismatchError
from exports.file.cells import TEXT_KINDS
from exports.file.xlsx.cells import EPOCH, FIRST_DAY, count_refused, cut, without_refused
from exports.file.xlsx.renderer import XlsxRenderer
from exports.file.xlsx.sheet_rows import DAY, FALSE, OTHER, TEXT, TRUE, RefusedCharacterError
from exports.request.estimate import EXCEL_MAX_CELL_CHARS
from exports.request.fields import CellKind, TargetField, cell_kind, source_columns

_OTHER_CELL = b"(?:[%b%b]|%b[0-9]+|%b[0-9-]*)" % (TRUE.encode(), FALSE.encode(), DAY.encode(), OTHER.encode())
"""A truth value or a day, after its separator."""


def sheet_cells(renderer: XlsxRenderer, view: ClientView) -> list[str]:
    """Return the SQL of the columns of COPY."""
    return [" || ".join(_group_sql(group, view)) for group in _groups(renderer.fields)]


def _groups(fields: Sequence[TargetField]) -> list[list[TargetField]]:
    """Divide fields into the columns of COPY. Only the first field of a column may be text."""
    groups: list[list[TargetField]] = []
    for field in fields:
        if groups and cell_kind(field) not in TEXT_KINDS:
            groups[-1].append(field)
        else:
            groups.append([field])
    return groups


def _group_sql(group: Sequence[TargetField], view: ClientView) -> Iterator[str]:
    for field in group:
        cell, kind = copied_cell(field, view), cell_kind(field)
        if kind is CellKind.BOOLEAN:
            yield _truth_sql(field, cell, view)
        elif kind is CellKind.DATE:
            yield _day_sql(f"({cell})::date")
        else:
            yield cell if len(group) == 1 else f"coalesce({cell}, '')"


def _truth_sql(field: TargetField, word: str, view: ClientView) -> str:
    (name,) = source_columns(field)
    true, false, other = map(_literal, (TRUE, FALSE, OTHER))
    if name not in view.absent and view.column(name).form is CellForm.BOOLEAN:
        return f"CASE WHEN {name} THEN {true} WHEN NOT {name} THEN {false} ELSE {other} END"
    return f"CASE {word} WHEN 'true' THEN {true} WHEN 'false' THEN {false} ELSE {other} END"


def _day_sql(day: str) -> str:
    number = f"({day} - date '{EPOCH}')::text"
    text = f"coalesce({day}::text, '')"
    return (
        f"CASE WHEN {day} >= date '{FIRST_DAY}' THEN {_literal(DAY)} || {number} ELSE {_literal(OTHER)} || {text} END"
    )


def _literal(separator: str) -> str:
    return rf"E'\x{ord(separator):02x}'"


class PostgresSheetRecords:
    """Turns records without line endings, as PostgreSQL wrote them, into the rows that an `XlsxRenderer` would write.

    Attributes:
        delimiter, quote: The characters by which PostgreSQL separates and quotes columns.
        quotes_all: Whether PostgreSQL quotes every column.
    """

    delimiter, quote, quotes_all = TEXT.encode(), b"\x1d", False

    def __init__(self, renderer: XlsxRenderer) -> None:
        self._renderer = renderer
        self._groups = _groups(renderer.fields)
        text = rb"(.*?)" if renderer.starts_with_text else rb"()"
        self._columns = [
            re.compile((rb"(.*?)" if number else text) + b"(%b{%d})" % (_OTHER_CELL, self._others(group)), re.DOTALL)
            for number, group in enumerate(self._groups)
        ]

    @staticmethod
    def _others(group: Sequence[TargetField]) -> int:
        return sum(cell_kind(field) not in TEXT_KINDS for field in group)

    def finish_counted(self, records: Sequence[bytes], codes: Sequence[bytes]) -> tuple[bytes, int, int]:
        """Make a row of each record. Repair records that no workbook can hold as they are.

        Raises:
            SourceMismatchError: A cell is too long, and may not be cut.
        """
        if not records:
            return b"", 0, 0
        if self.quote in b"".join(records):
            records = [self._unquoted(record) if self.quote in record else record for record in records]
        if max(map(len, records)) <= EXCEL_MAX_CELL_CHARS:  # otherwise a cell may be too long
            try:
                return self._renderer.sheet_rows(records), 0, 0
            except RefusedCharacterError:
                pass
        counts: Counter[str] = Counter()
        repaired = [
            self._repaired(record, codes[number] if codes else b"", counts) for number, record in enumerate(records)
        ]
        return self._renderer.sheet_rows(repaired), counts["removed"], counts["cut"]

    def _unquoted(self, record: bytes) -> bytes:
        """Return a record without quotes if they are only there for the sake of line breaks."""
        plain = record.replace(self.quote, b"")
        return plain if self.quote * 2 not in record and self._renderer.is_plain(plain) else record

    def _repaired(self, record: bytes, code: bytes, counts: Counter[str]) -> bytes:
        """Return a record without quotes and refused characters, whose cells are not too long."""
        if len(record) <= EXCEL_MAX_CELL_CHARS and self._renderer.is_plain(record):
            return record
        columns = split_cells(record, self.delimiter, self.quote)
        texts: dict[TargetField, str] = {}
        removed: dict[TargetField, int] = {}
        parts = []
        for group, pattern, column in zip(self._groups, self._columns, columns, strict=True):
            found = pattern.fullmatch(cell_text(column, self.quote).encode())
            assert found is not None  # noqa: S101 - PostgreSQL wrote it
            text = found[1].decode()
            if cell_kind(group[0]) in TEXT_KINDS:
                removed[group[0]] = count_refused(text)
                text = texts[group[0]] = without_refused(text)
            parts.append(cut(text).encode() + found[2])
        counts["removed"] += _of_clients(removed)
        counts["cut"] += sum(self._count_long(field, text, code) for field, text in texts.items())
        return self.delimiter.join(parts)

    def _count_long(self, field: TargetField, text: str, code: bytes) -> int:
        try:
            return self._renderer.count_long(field, [text])
        except SourceMismatchError as error:
            shown = cell_text(code.removesuffix(b"\n"), self.quote)
            private = f"The client has the code {shown}." if code else ""
            raise SourceMismatchError(str(error), private, error.column) from None


def _of_clients(removed: Mapping[TargetField, int]) -> int:
    """Sum up the characters of the clients that are left out. A column that two fields show counts once."""
    columns = {source_columns(field)[0]: count for field, count in removed.items() if cell_kind(field) is CellKind.TEXT}
    addresses = (field for field in removed if cell_kind(field) is CellKind.ADDRESS)
    counted_twice = sum(columns.get(name, 0) for field in addresses for name in source_columns(field))
    return sum(removed.values()) - counted_twice
