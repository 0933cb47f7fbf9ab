"""Arranges the names of the API for the ui: groups of fields, and remedies of warnings. Their texts are in `texts/`."""

from __future__ import annotations

from collections.abc import Mapping

from exports.request.estimate import WarningCode
from exports.request.fields import TargetField
from exports.request.formats import FormatPreset

_COMPANY = ("Company", "Companies", "Vat", "Utr", "SelfAssessment", "Ni", "Paye", "Accounts", "TradingAs", "Nature")
_GROUPS: Mapping[str, tuple[str, ...]] = {
    "client": (),
    "staff": ("Manager", "Partner", "Associate", "Team"),
    "company": (*_COMPANY, "Incorporation"),
    "contact": ("Contact", "PersonalCode"),
    "preferences": ("CanContact", "PclSent"),
    "registeredAddress": ("RegisteredAddress",),
    "postalAddress": ("PostalAddress",),
    "invoiceAddress": ("InvoiceAddress",),
}
"""The groups of fields, with the prefixes of the names in each. Fields without such a prefix are in the first group."""

REMEDIES: Mapping[WarningCode, FormatPreset] = {WarningCode.EXCEL_CHANGES_CELLS: FormatPreset.EXCEL}
"""The preset that avoids the cause of a warning."""


def field_groups() -> dict[str, list[TargetField]]:
    """Return the fields in groups by meaning. Within a group they keep their order."""
    groups: dict[str, list[TargetField]] = {group: [] for group in _GROUPS}
    for field in TargetField:
        groups[_group_of(field)].append(field)
    return groups


def _group_of(field: TargetField) -> str:
    first, *others = _GROUPS
    return next((group for group in others if field.value.startswith(_GROUPS[group])), first)
