"""The 67 fields of a client: their order, their columns in the `clients` view, and how each becomes a cell."""

from __future__ import annotations

import re
from enum import Enum, StrEnum
from functools import cache


class TargetField(StrEnum):
    """A field that a column of the file can show.

    A full export has its columns in this order. The names are a published contract.
    """

    NAME = "Name"
    CODE = "Code"
    TYPE = "Type"
    STATUS = "Status"
    EMAIL = "Email"
    TELEPHONE = "Telephone"
    INTERNAL_REFERENCE = "InternalReference"
    CAN_CONTACT_POST = "CanContactPost"
    CAN_CONTACT_TELEPHONE = "CanContactTelephone"
    CAN_CONTACT_EMAIL = "CanContactEmail"
    CAN_CONTACT_SMS = "CanContactSms"
    PCL_SENT = "PclSent"
    MANAGER = "Manager"
    PARTNER = "Partner"
    ASSOCIATE = "Associate"
    COMPANY_NUMBER = "CompanyNumber"
    COMPANIES_HOUSE_AUTHENTICATION_CODE = "CompaniesHouseAuthenticationCode"
    VAT_NUMBER = "VatNumber"
    VAT_REGISTERED = "VatRegistered"
    VAT_REG_DATE = "VatRegDate"
    VAT_SCHEME = "VatScheme"
    VAT_REPORTING_PERIOD = "VatReportingPeriod"
    UTR = "Utr"
    SELF_ASSESSMENT_UTR = "SelfAssessmentUtr"
    COMPANY_UTR = "CompanyUtr"
    NI_NUMBER = "NiNumber"
    PAYE_REF = "PayeRef"
    ACCOUNTS_OFFICE_REF = "AccountsOfficeRef"
    TRADING_AS = "TradingAs"
    NATURE_OF_BUSINESS = "NatureOfBusiness"
    INCORPORATION_DATE = "IncorporationDate"
    REGISTERED_ADDRESS = "RegisteredAddress"
    POSTAL_ADDRESS = "PostalAddress"
    INVOICE_ADDRESS = "InvoiceAddress"
    REGISTERED_ADDRESS_LINE1 = "RegisteredAddressLine1"
    REGISTERED_ADDRESS_LINE2 = "RegisteredAddressLine2"
    REGISTERED_ADDRESS_LINE3 = "RegisteredAddressLine3"
    REGISTERED_ADDRESS_CITY = "RegisteredAddressCity"
    REGISTERED_ADDRESS_POST_CODE = "RegisteredAddressPostCode"
    REGISTERED_ADDRESS_COUNTRY = "RegisteredAddressCountry"
    POSTAL_ADDRESS_LINE1 = "PostalAddressLine1"
    POSTAL_ADDRESS_LINE2 = "PostalAddressLine2"
    POSTAL_ADDRESS_LINE3 = "PostalAddressLine3"
    POSTAL_ADDRESS_CITY = "PostalAddressCity"
    POSTAL_ADDRESS_POST_CODE = "PostalAddressPostCode"
    POSTAL_ADDRESS_COUNTRY = "PostalAddressCountry"
    INVOICE_ADDRESS_LINE1 = "InvoiceAddressLine1"
    INVOICE_ADDRESS_LINE2 = "InvoiceAddressLine2"
    INVOICE_ADDRESS_LINE3 = "InvoiceAddressLine3"
    INVOICE_ADDRESS_CITY = "InvoiceAddressCity"
    INVOICE_ADDRESS_POST_CODE = "InvoiceAddressPostCode"
    INVOICE_ADDRESS_COUNTRY = "InvoiceAddressCountry"
    CONTACT_NAME = "ContactName"
    CONTACT_TITLE = "ContactTitle"
    CONTACT_FIRST_NAME = "ContactFirstName"
    CONTACT_MIDDLE_NAME = "ContactMiddleName"
    CONTACT_LAST_NAME = "ContactLastName"
    CONTACT_EMAIL = "ContactEmail"
    CONTACT_PHONE = "ContactPhone"
    CONTACT_MOBILE = "ContactMobile"
    CONTACT_DATE_OF_BIRTH = "ContactDateOfBirth"
    PERSONAL_CODE = "PersonalCode"
    CONTACT_RELATIONSHIPS = "ContactRelationships"
    TEAM = "Team"
    WEBSITE = "Website"
    CONTACT_NATIONALITY = "ContactNationality"
    CONTACT_MARITAL_STATUS = "ContactMaritalStatus"


SENSITIVE_FIELDS: frozenset[TargetField] = frozenset(
    {
        TargetField.NI_NUMBER,
        TargetField.CONTACT_DATE_OF_BIRTH,
        TargetField.COMPANIES_HOUSE_AUTHENTICATION_CODE,
        TargetField.PERSONAL_CODE,
        TargetField.CONTACT_NATIONALITY,
        TargetField.CONTACT_MARITAL_STATUS,
    }
)
"""Secrets with which others could act for the client, and private facts about a person (docs/decisions/0009)."""


class CellKind(Enum):
    """How the values in a field's source columns become one cell."""

    TEXT = "text"
    BOOLEAN = "true or false"
    DATE = "YYYY-MM-DD"
    ADDRESS = "non-empty lines joined by a comma"


_BOOLEANS = frozenset(
    {
        TargetField.CAN_CONTACT_POST,
        TargetField.CAN_CONTACT_TELEPHONE,
        TargetField.CAN_CONTACT_EMAIL,
        TargetField.CAN_CONTACT_SMS,
        TargetField.PCL_SENT,
        TargetField.VAT_REGISTERED,
    }
)
_DATES = frozenset(
    {TargetField.VAT_REG_DATE, TargetField.INCORPORATION_DATE, TargetField.CONTACT_DATE_OF_BIRTH},
)
_ADDRESSES = frozenset(
    {TargetField.REGISTERED_ADDRESS, TargetField.POSTAL_ADDRESS, TargetField.INVOICE_ADDRESS},
)
_ADDRESS_PARTS = ("line1", "line2", "line3", "city", "post_code", "country")


def cell_kind(field: TargetField) -> CellKind:
    """Return how the values of a field become a cell."""
    if field in _BOOLEANS:
        return CellKind.BOOLEAN
    if field in _DATES:
        return CellKind.DATE
    return CellKind.ADDRESS if field in _ADDRESSES else CellKind.TEXT


@cache
def source_columns(field: TargetField) -> tuple[str, ...]:
    """Return the columns of the `clients` view that a field reads: one column, or the six parts of a whole address."""
    name = _snake_case(field.value)
    if field in _ADDRESSES:
        return tuple(f"{name}_{part}" for part in _ADDRESS_PARTS)
    return (name,)


@cache
def column_kind(column: str) -> CellKind:
    """Return what a column of the view holds for its field: TEXT, BOOLEAN or DATE. Parts of addresses are text."""
    kinds = (cell_kind(field) for field in TargetField if column in source_columns(field))
    return next((kind for kind in kinds if kind in (CellKind.BOOLEAN, CellKind.DATE)), CellKind.TEXT)


def _snake_case(name: str) -> str:
    return re.sub(r"(?<=[a-z0-9])(?=[A-Z])", "_", name).lower()


FIELD_COLUMNS: tuple[str, ...] = tuple(
    dict.fromkeys(column for field in TargetField for column in source_columns(field))
)
"""The 64 columns that fields read, in field order. Whole addresses read the columns of their parts."""

KEY_COLUMNS = ("tenant", "code")
"""Together they identify a client; `code` is also a field. A page is a range of `code` within one tenant."""

FILTER_COLUMNS = ("manager_code", "partner_code", "associate_code", "team_code", "service_codes", "updated_at")
"""Columns that only filters read. `service_codes` holds codes joined by `;`."""

VIEW_COLUMNS: tuple[str, ...] = tuple(dict.fromkeys((*KEY_COLUMNS, *FIELD_COLUMNS, *FILTER_COLUMNS)))
"""Every column that the `clients` view may have."""

REQUIRED_COLUMNS = ("tenant", "code", "name")
"""The columns that the view must have. The others are empty in the file if the view lacks them."""


class ClientType(StrEnum):
    """The `type` of a client."""

    PRIVATE_LIMITED_COMPANY = "PrivateLimitedCompany"
    PUBLIC_LIMITED_COMPANY = "PublicLimitedCompany"
    LIMITED_LIABILITY_PARTNERSHIP = "LimitedLiabilityPartnership"
    PARTNERSHIP = "Partnership"
    INDIVIDUAL = "Individual"
    TRUST = "Trust"
    CHARITY = "Charity"
    SOLE_TRADER = "SoleTrader"


class ClientStatus(StrEnum):
    """The `status` of a client."""

    ACTIVE = "Active"
    INACTIVE = "Inactive"
    PROSPECT = "Prospect"
    LOST_PROSPECT = "LostProspect"
