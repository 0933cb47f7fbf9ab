"""The mapping presets: read-only mappings that every tenant has, as pairs of a header and a field."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime
from types import MappingProxyType

from exports.mappings.mapping import CsvMappingDto, MappingContent, MatchField, show_content
from exports.request.columns import ColumnMapping
from exports.request.fields import TargetField as F

PRESETS_CREATED, PRESETS_UPDATED = datetime(2026, 11, 23, tzinfo=UTC), datetime(2026, 11, 23, tzinfo=UTC)

_COMPANY: tuple[tuple[str, F], ...] = (
    ("Client Code", F.CODE),
    ("Company Name", F.NAME),
    ("Trading As", F.TRADING_AS),
    ("Client Type", F.TYPE),
    ("Status", F.STATUS),
    ("Company Number", F.COMPANY_NUMBER),
    ("Incorporation Date", F.INCORPORATION_DATE),
    ("Nature of Business", F.NATURE_OF_BUSINESS),
    ("Corporation Tax UTR", F.COMPANY_UTR),
    ("VAT Registered", F.VAT_REGISTERED),
    ("VAT Number", F.VAT_NUMBER),
    ("VAT Registration Date", F.VAT_REG_DATE),
    ("VAT Scheme", F.VAT_SCHEME),
    ("VAT Reporting Period", F.VAT_REPORTING_PERIOD),
    ("PAYE Reference", F.PAYE_REF),
    ("Accounts Office Reference", F.ACCOUNTS_OFFICE_REF),
    ("Partner", F.PARTNER),
    ("Manager", F.MANAGER),
    ("Associate", F.ASSOCIATE),
    ("Internal Reference", F.INTERNAL_REFERENCE),
    ("Main Contact", F.CONTACT_NAME),
    ("Contact Email", F.CONTACT_EMAIL),
    ("Contact Phone", F.CONTACT_PHONE),
    ("Company Email", F.EMAIL),
    ("Company Telephone", F.TELEPHONE),
    ("Website", F.WEBSITE),
    ("Registered Address Line 1", F.REGISTERED_ADDRESS_LINE1),
    ("Registered Address Line 2", F.REGISTERED_ADDRESS_LINE2),
    ("Registered Address Line 3", F.REGISTERED_ADDRESS_LINE3),
    ("Registered Address City", F.REGISTERED_ADDRESS_CITY),
    ("Registered Address Postcode", F.REGISTERED_ADDRESS_POST_CODE),
    ("Registered Address Country", F.REGISTERED_ADDRESS_COUNTRY),
)

_PERSON: tuple[tuple[str, F], ...] = (
    ("Client Code", F.CODE),
    ("Client Name", F.NAME),
    ("Client Type", F.TYPE),
    ("Status", F.STATUS),
    ("Title", F.CONTACT_TITLE),
    ("First Name", F.CONTACT_FIRST_NAME),
    ("Middle Name", F.CONTACT_MIDDLE_NAME),
    ("Last Name", F.CONTACT_LAST_NAME),
    ("Date of Birth", F.CONTACT_DATE_OF_BIRTH),
    ("National Insurance Number", F.NI_NUMBER),
    ("Self Assessment UTR", F.SELF_ASSESSMENT_UTR),
    ("Trading As", F.TRADING_AS),
    ("VAT Number", F.VAT_NUMBER),
    ("PAYE Reference", F.PAYE_REF),
    ("Partner", F.PARTNER),
    ("Manager", F.MANAGER),
    ("Associate", F.ASSOCIATE),
    ("Internal Reference", F.INTERNAL_REFERENCE),
    ("Email", F.CONTACT_EMAIL),
    ("Phone", F.CONTACT_PHONE),
    ("Mobile", F.CONTACT_MOBILE),
    ("Address Line 1", F.POSTAL_ADDRESS_LINE1),
    ("Address Line 2", F.POSTAL_ADDRESS_LINE2),
    ("Address Line 3", F.POSTAL_ADDRESS_LINE3),
    ("City", F.POSTAL_ADDRESS_CITY),
    ("Postcode", F.POSTAL_ADDRESS_POST_CODE),
    ("Country", F.POSTAL_ADDRESS_COUNTRY),
)


def _content(name: str, columns: tuple[tuple[str, F], ...], match_field: MatchField) -> MappingContent:
    mapped = tuple(ColumnMapping(csv_header=header, target_field=field) for header, field in columns)
    return MappingContent(name=name, columns=mapped, match_field=match_field)


MAPPING_PRESETS: Mapping[str, MappingContent] = MappingProxyType(
    {
        "individual-clients": _content("Individual clients", _PERSON, MatchField.NI_NUMBER),
        "limited-company-clients": _content("Limited company clients", _COMPANY, MatchField.COMPANY_NUMBER),
    }
)
"""The content of each preset, by its code."""


def show_mapping_preset(code: str) -> CsvMappingDto:
    """Build the public view of a preset."""
    return show_content(code, MAPPING_PRESETS[code], PRESETS_CREATED, PRESETS_UPDATED, is_preset=True)
