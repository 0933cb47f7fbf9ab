"""The texts of the ui for the names of the API: labels, groups of fields, warnings.

Tests check that every value of an enumeration has its text.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass

from exports.jobs.states import FileStatus, JobStatus
from exports.request.estimate import WarningCode
from exports.request.fields import TargetField
from exports.request.formats import Compression, Delimiter, FormatPreset, LineEnding, Quoting

_SPECIAL = {
    **{name: name.upper() for name in ("Utr", "Vat", "Paye", "Ni", "Pcl", "Sms")},
    "Reg": "registration",
    "Ref": "reference",
    "House": "House",
}
_COMPANY = ("Company", "Companies", "Vat", "Utr", "SelfAssessment", "Ni", "Paye", "Accounts", "TradingAs", "Nature")
_GROUPS: Mapping[str, tuple[str, ...]] = {
    "Client": (),
    "Responsible staff": ("Manager", "Partner", "Associate", "Team"),
    "Company, tax and VAT": (*_COMPANY, "Incorporation"),
    "Main contact": ("Contact", "PersonalCode"),
    "Contact preferences": ("CanContact", "PclSent"),
    "Registered address": ("RegisteredAddress",),
    "Postal address": ("PostalAddress",),
    "Invoice address": ("InvoiceAddress",),
}
"""The groups of fields, with the prefixes of the names in each. Fields without such a prefix are in the first group."""


@dataclass(frozen=True, slots=True)
class Choice:
    """The text of one choice.

    Attributes:
        hint: When to choose it.
    """

    label: str
    hint: str = ""


PRESET_CHOICES: Mapping[FormatPreset, Choice] = {
    FormatPreset.RFC4180: Choice("Standard CSV", "For other programs and imports: commas, UTF-8, nothing altered."),
    FormatPreset.EXCEL: Choice("Excel", "Opens with a double click; keeps accents and leading zeros."),
    FormatPreset.EXCEL_EU: Choice("Excel with semicolons", "The same, where the comma is the decimal sign."),
    FormatPreset.TSV: Choice("Tab separated", "For pasting, and for programs that expect tabs."),
    FormatPreset.XLSX: Choice("Excel workbook", "An .xlsx file: text stays text, and dates are dates."),
    FormatPreset.JSONL: Choice("JSON Lines", "For programs: each client is a JSON object on its own line."),
}
DELIMITERS: Mapping[Delimiter, str] = {
    Delimiter.COMMA: "Comma ( , )",
    Delimiter.SEMICOLON: "Semicolon ( ; )",
    Delimiter.TAB: "Tab",
    Delimiter.BAR: "Bar ( | )",
}
LINE_ENDINGS: Mapping[LineEnding, str] = {LineEnding.CRLF: "Windows (CR LF)", LineEnding.LF: "Unix (LF)"}
QUOTINGS: Mapping[Quoting, str] = {Quoting.MINIMAL: "Only where needed", Quoting.ALL: "Around every cell"}
COMPRESSIONS: Mapping[Compression, str] = {Compression.NONE: "Not compressed", Compression.GZIP: "Compressed (.gz)"}
WARNINGS: Mapping[WarningCode, str] = {
    WarningCode.EXCEL_ROW_LIMIT: "Excel cannot open all rows of this file; it would drop the rest. Narrow the filters.",
    WarningCode.EXCEL_CHANGES_CELLS: (
        "If you open this file in Excel, it may drop leading zeros, round long numbers or turn cells into dates. "
        "One of the Excel formats prevents that."
    ),
    WarningCode.EXCEL_CUTS_CELLS: (
        "Some cells are longer than a cell of Excel. Excel cuts them or continues them in the next row."
    ),
    WarningCode.CELLS_TOO_LONG: (
        "Some cells are longer than a cell of a workbook. They will be cut; a CSV format keeps all of their text."
    ),
    WarningCode.SEVERAL_SHEETS: "The workbook will have several sheets, because one sheet cannot hold all rows.",
    WarningCode.HEADERS_ALIKE: (
        "Some headers differ only in upper and lower case. Excel and many databases take them for the same column."
    ),
    WarningCode.GUARD_CHANGES_CELLS: (
        "Some cells look like formulas. They get an apostrophe in front, so that no spreadsheet runs them."
    ),
    WarningCode.FIELDS_LEFT_OUT: "Your API key may not read sensitive fields; these fields will be left out.",
    WarningCode.INCOMPLETE_COLUMNS: "Your database has no data for these columns; they will be empty or lack a part.",
}
REMEDIES: Mapping[WarningCode, FormatPreset] = {WarningCode.EXCEL_CHANGES_CELLS: FormatPreset.EXCEL}
"""The preset that avoids the cause of a warning."""
FILE_STATUSES: Mapping[FileStatus, str] = {
    FileStatus.EXPIRED: "The file has expired",
    FileStatus.REMOVED: "The file was removed",
}
"""What became of a file that can no longer be downloaded."""
JOB_TITLES: Mapping[JobStatus, str] = {
    JobStatus.QUEUED: "Your export is waiting to start",
    JobStatus.IN_PROGRESS: "Your export is running",
    JobStatus.COMPLETED: "Your file is ready",
    JobStatus.FAILED: "The export failed",
    JobStatus.CANCELLED: "The export was cancelled",
}


def label_of(name: str) -> str:
    """Turn a name in PascalCase, camelCase or snake_case into a label: `VatRegDate` becomes “VAT registration date”."""
    words = re.findall(r"[A-Z]?[a-z]+|\d+", name.replace("PostCode", "Postcode"))
    text = " ".join(_SPECIAL.get(word.capitalize(), word.lower()) for word in words)
    return text[:1].upper() + text[1:]


def field_groups() -> dict[str, list[TargetField]]:
    """Return the fields in groups by meaning. Within a group they keep their order."""
    groups: dict[str, list[TargetField]] = {group: [] for group in _GROUPS}
    for field in TargetField:
        groups[_group_of(field)].append(field)
    return groups


def _group_of(field: TargetField) -> str:
    first, *others = _GROUPS
    return next((group for group in others if field.value.startswith(_GROUPS[group])), first)
