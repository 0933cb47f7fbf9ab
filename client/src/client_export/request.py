"""What to export: columns, filter and format of a request."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

Column = str | tuple[str, str]
"""A field, whose name is the header too, or (header, field)."""


@dataclass(frozen=True, slots=True)
class ClientFilter:
    """Which clients to export. A client must match every list that is given, by at least one of its values.

    Attributes:
        search: A text anywhere in name, code, e-mail address, company number, reference, trading or contact name.
        updated_since: Only clients that changed at this moment or later. It needs a time zone.
        updated_until: Only clients that last changed before this moment. It needs a time zone.
    """

    statuses: Sequence[str] = ()
    types: Sequence[str] = ()
    manager_codes: Sequence[str] = ()
    partner_codes: Sequence[str] = ()
    associate_codes: Sequence[str] = ()
    team_codes: Sequence[str] = ()
    service_codes: Sequence[str] = ()
    search: str | None = None
    updated_since: datetime | str | None = None
    updated_until: datetime | str | None = None

    def body(self) -> dict[str, Any]:
        """Return the filter as the service reads it."""
        return _given(
            statuses=list(self.statuses),
            types=list(self.types),
            managerCodes=list(self.manager_codes),
            partnerCodes=list(self.partner_codes),
            associateCodes=list(self.associate_codes),
            teamCodes=list(self.team_codes),
            serviceCodes=list(self.service_codes),
            search=self.search,
            updatedSince=_moment(self.updated_since),
            updatedUntil=_moment(self.updated_until),
        )


@dataclass(frozen=True, slots=True)
class FileFormat:
    """How the file is written. Only what you give is sent; the rest follows from the preset.

    Attributes:
        preset: `rfc4180` (the default), `excel`, `excelEu`, `tsv`, `xlsx` or `jsonl`.
        delimiter: `,` `;` tab or `|`.
        line_ending: `crlf` or `lf`.
        quoting: `minimal` or `all`.
        compression: `none` or `gzip`.
        formula_guard: Whether text that a spreadsheet would run as a formula gets an apostrophe in front.
        file_name: Name of the file, without the extension.
        long_cells: Only for workbooks (`xlsx`), whose cells hold 32,767 characters: `cut` (the default) or `fail`.
    """

    preset: str | None = None
    delimiter: str | None = None
    line_ending: str | None = None
    byte_order_mark: bool | None = None
    quoting: str | None = None
    compression: str | None = None
    formula_guard: bool | None = None
    file_name: str | None = None
    long_cells: str | None = None

    def body(self) -> dict[str, Any]:
        """Return the format as the service reads it."""
        return _given(
            preset=self.preset,
            delimiter=self.delimiter,
            lineEnding=self.line_ending,
            byteOrderMark=self.byte_order_mark,
            quoting=self.quoting,
            compression=self.compression,
            formulaGuard=self.formula_guard,
            fileName=self.file_name,
            longCells=self.long_cells,
        )


@dataclass(frozen=True, slots=True)
class ExportRequest:
    """What to export. Without anything, every client with every field.

    Attributes:
        columns: The columns in the order of the file. Excludes `mapping`.
        mapping: Code of a saved mapping that defines the columns.
        consistency: `snapshot` if the file must show all clients as they were at one moment; None: each page is read at
            a moment of its own, which is faster.
        webhook_url: Receives a signed POST when the export has ended.
        emails: Addresses that get an e-mail when the export has ended, at most five.
        since: Code of a completed export with the same columns and filter. The file then holds only the clients that
            changed since that one was requested, and `removed_codes` of its manifest the clients to remove.
        extra: Further properties of the request, for a service that is newer than this package.
    """

    columns: Sequence[Column] = ()
    mapping: str | None = None
    filter: ClientFilter = ClientFilter()
    format: FileFormat = FileFormat()
    include_headers: bool = True
    consistency: str | None = None
    webhook_url: str | None = None
    emails: Sequence[str] = ()
    since: str | None = None
    extra: Mapping[str, Any] = field(default_factory=dict)

    def body(self) -> dict[str, Any]:
        """Return the request as the service reads it."""
        return {
            **_given(
                mappingCode=self.mapping,
                columnMappings=column_mappings(self.columns),
                includeHeaders=None if self.include_headers else False,
                filter=self.filter.body(),
                format=self.format.body(),
                consistency=self.consistency,
                since=self.since,
                notify=_given(webhookUrl=self.webhook_url, email=list(self.emails) or None),
            ),
            **self.extra,
        }


RequestLike = ExportRequest | Mapping[str, Any]
"""A request, or its JSON as the API documents it."""


def body_of(request: RequestLike | None) -> dict[str, Any]:
    """Return the JSON of a request."""
    if isinstance(request, ExportRequest):
        return request.body()
    return dict(request or {})


def column_mappings(columns: Sequence[Column]) -> list[dict[str, str]]:
    """Return columns as the service reads them."""
    pairs = ((each, each) if isinstance(each, str) else each for each in columns)
    return [{"csvHeader": header, "targetField": target} for header, target in pairs]


def _moment(moment: datetime | str | None) -> str | None:
    return moment.isoformat() if isinstance(moment, datetime) else moment


def _given(**values: Any) -> dict[str, Any]:
    return {name: value for name, value in values.items() if value is not None and value not in ([], {})}
