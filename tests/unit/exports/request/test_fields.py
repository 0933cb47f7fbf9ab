"""The published list of fields, and the columns that each field reads."""

from __future__ import annotations

import pytest

from exports.request.fields import (
    FIELD_COLUMNS,
    SENSITIVE_FIELDS,
    VIEW_COLUMNS,
    CellKind,
    ClientStatus,
    ClientType,
    TargetField,
    cell_kind,
    source_columns,
)

PUBLISHED = """
    Name Code Type Status Email Telephone InternalReference CanContactPost CanContactTelephone CanContactEmail
    CanContactSms PclSent Manager Partner Associate CompanyNumber CompaniesHouseAuthenticationCode VatNumber
    VatRegistered VatRegDate VatScheme VatReportingPeriod Utr SelfAssessmentUtr CompanyUtr NiNumber PayeRef
    AccountsOfficeRef TradingAs NatureOfBusiness IncorporationDate RegisteredAddress PostalAddress InvoiceAddress
    RegisteredAddressLine1 RegisteredAddressLine2 RegisteredAddressLine3 RegisteredAddressCity
    RegisteredAddressPostCode RegisteredAddressCountry PostalAddressLine1 PostalAddressLine2 PostalAddressLine3
    PostalAddressCity PostalAddressPostCode PostalAddressCountry InvoiceAddressLine1 InvoiceAddressLine2
    InvoiceAddressLine3 InvoiceAddressCity InvoiceAddressPostCode InvoiceAddressCountry ContactName ContactTitle
    ContactFirstName ContactMiddleName ContactLastName ContactEmail ContactPhone ContactMobile
    ContactDateOfBirth PersonalCode ContactRelationships Team Website ContactNationality ContactMaritalStatus
""".split()


def test_the_67_fields_have_their_published_names_and_order() -> None:
    assert [field.value for field in TargetField] == PUBLISHED
    assert len(PUBLISHED) == 67


def test_client_types_have_their_published_names() -> None:
    published = "PrivateLimitedCompany PublicLimitedCompany LimitedLiabilityPartnership Partnership Individual Trust"
    assert [kind.value for kind in ClientType] == [*published.split(), "Charity", "SoleTrader"]


def test_client_statuses_have_their_published_names() -> None:
    assert [status.value for status in ClientStatus] == ["Active", "Inactive", "Prospect", "LostProspect"]


@pytest.mark.parametrize(
    ("field", "column"),
    [
        (TargetField.NAME, "name"),
        (TargetField.CAN_CONTACT_SMS, "can_contact_sms"),
        (TargetField.COMPANIES_HOUSE_AUTHENTICATION_CODE, "companies_house_authentication_code"),
        (TargetField.NI_NUMBER, "ni_number"),
        (TargetField.REGISTERED_ADDRESS_LINE1, "registered_address_line1"),
        (TargetField.INVOICE_ADDRESS_POST_CODE, "invoice_address_post_code"),
        (TargetField.CONTACT_DATE_OF_BIRTH, "contact_date_of_birth"),
    ],
)
def test_a_field_reads_the_column_of_its_name(field: TargetField, column: str) -> None:
    assert source_columns(field) == (column,)


def test_a_whole_address_reads_the_columns_of_its_six_parts() -> None:
    parts = ("line1", "line2", "line3", "city", "post_code", "country")
    assert source_columns(TargetField.POSTAL_ADDRESS) == tuple(f"postal_address_{part}" for part in parts)


def test_a_whole_address_has_no_column_of_its_own() -> None:
    assert len(FIELD_COLUMNS) == 64
    assert "postal_address" not in FIELD_COLUMNS


def test_field_columns_are_in_field_order() -> None:
    assert FIELD_COLUMNS[:4] == ("name", "code", "type", "status")
    assert FIELD_COLUMNS[-2:] == ("contact_nationality", "contact_marital_status")


def test_the_view_begins_with_its_key_and_holds_every_column_once() -> None:
    assert VIEW_COLUMNS[:2] == ("tenant", "code")
    assert len(set(VIEW_COLUMNS)) == len(VIEW_COLUMNS) == 71
    assert set(FIELD_COLUMNS) < set(VIEW_COLUMNS)


def test_booleans_dates_and_addresses_are_distinguished_from_text() -> None:
    kinds = {kind: {field.value for field in TargetField if cell_kind(field) is kind} for kind in CellKind}
    assert kinds[CellKind.BOOLEAN] == {
        *("CanContactPost", "CanContactTelephone", "CanContactEmail", "CanContactSms", "PclSent", "VatRegistered")
    }
    assert kinds[CellKind.DATE] == {"VatRegDate", "IncorporationDate", "ContactDateOfBirth"}
    assert kinds[CellKind.ADDRESS] == {"RegisteredAddress", "PostalAddress", "InvoiceAddress"}
    assert len(kinds[CellKind.TEXT]) == 55


def test_only_secrets_and_private_facts_of_a_person_are_sensitive() -> None:
    secrets = {"NiNumber", "CompaniesHouseAuthenticationCode", "PersonalCode"}
    private = {"ContactDateOfBirth", "ContactNationality", "ContactMaritalStatus"}
    assert {field.value for field in SENSITIVE_FIELDS} == secrets | private
