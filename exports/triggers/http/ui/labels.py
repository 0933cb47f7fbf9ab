"""Plain words for what the API names: labels, groups of fields, sentences. Tests hold them to the enumerations."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass

from exports.jobs.states import JobStatus
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
    "Who looks after them": ("Manager", "Partner", "Associate", "Team"),
    "Company, tax and VAT": (*_COMPANY, "Incorporation"),
    "Main contact": ("Contact", "PersonalCode"),
    "How they may be contacted": ("CanContact", "PclSent"),
    "Registered address": ("RegisteredAddress",),
    "Postal address": ("PostalAddress",),
    "Invoice address": ("InvoiceAddress",),
}
"""By what the names of their fields begin with; what begins with nothing else is in the first."""


@dataclass(frozen=True, slots=True)
class Choice:
    """One choice in words.

    Attributes:
        hint: When to take it.
    """

    label: str
    hint: str = ""


PRESET_CHOICES: Mapping[FormatPreset, Choice] = {
    FormatPreset.RFC4180: Choice("Standard CSV", "For other programs and imports: commas, UTF-8, nothing altered."),
    FormatPreset.EXCEL: Choice("Excel", "Opens by double click; keeps accents and leading zeros."),
    FormatPreset.EXCEL_EU: Choice("Excel with semicolons", "The same where the comma is the decimal sign."),
    FormatPreset.TSV: Choice("Tab separated", "For pasting and for programs that want tabs."),
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
    WarningCode.EXCEL_ROW_LIMIT: "These are more rows than Excel can open; it would drop the rest. Narrow the filters.",
    WarningCode.EXCEL_CHANGES_CELLS: (
        "If you open this file in Excel, it may drop leading zeros, round long numbers or make dates of them. "
        "One of the Excel formats prevents that."
    ),
    WarningCode.GUARD_CHANGES_CELLS: (
        "Some cells look like formulas. They get an apostrophe in front, so that no spreadsheet runs them."
    ),
    WarningCode.FIELDS_LEFT_OUT: "Your API key may not read sensitive fields; these will be left out.",
}
REMEDIES: Mapping[WarningCode, FormatPreset] = {WarningCode.EXCEL_CHANGES_CELLS: FormatPreset.EXCEL}
"""The preset that takes a warning away."""
JOB_TITLES: Mapping[JobStatus, str] = {
    JobStatus.QUEUED: "Your export is waiting to start",
    JobStatus.IN_PROGRESS: "Your export is running",
    JobStatus.COMPLETED: "Your file is ready",
    JobStatus.FAILED: "The export failed",
    JobStatus.CANCELLED: "The export was cancelled",
}


def label_of(name: str) -> str:
    """Put a name in PascalCase, camelCase or snake_case into words: `VatRegDate` is “VAT registration date”."""
    words = re.findall(r"[A-Z]?[a-z]+|\d+", name.replace("PostCode", "Postcode"))
    text = " ".join(_SPECIAL.get(word.capitalize(), word.lower()) for word in words)
    return text[:1].upper() + text[1:]


def field_groups() -> dict[str, list[TargetField]]:
    """Sort the fields into groups by meaning; within a group they keep their order."""
    groups: dict[str, list[TargetField]] = {group: [] for group in _GROUPS}
    for field in TargetField:
        groups[_group_of(field)].append(field)
    return groups


def _group_of(field: TargetField) -> str:
    first, *others = _GROUPS
    return next((group for group in others if field.value.startswith(_GROUPS[group])), first)
