"""Computes the expected records of a file from the database, without any code of the exporter."""

from __future__ import annotations

import csv
import io
import sqlite3
from typing import Any

_BOOLEANS = {
    "can_contact_post",
    "can_contact_telephone",
    "can_contact_email",
    "can_contact_sms",
    "pcl_sent",
    "vat_registered",
}
_ADDRESS_PARTS = ("line1", "line2", "line3", "city", "post_code", "country")

Record = tuple[str, ...]


def records(file: bytes, delimiter: str = ",") -> list[Record]:
    """Read a CSV file with Python's `csv` module. Every cell is text; line breaks in cells stay as they are."""
    return [tuple(row) for row in csv.reader(io.StringIO(file.decode("utf-8"), newline=""), delimiter=delimiter)]


def client_records(database_url: str, tenant: str, where: str = "1") -> list[Record]:
    """Return the records that a full export of a tenant must have, in key order.

    Args:
        database_url: An SQLite database.
        where: A condition in SQL that selects some of the tenant's clients.
    """
    connection = sqlite3.connect(database_url.removeprefix("sqlite:///"))
    connection.row_factory = sqlite3.Row
    try:
        statement = f"SELECT * FROM clients WHERE tenant = ? AND {where} ORDER BY code"
        return [_record(dict(row)) for row in connection.execute(statement, (tenant,))]
    finally:
        connection.close()


def _record(client: dict[str, Any]) -> Record:
    names = [name for name in client if (name != "tenant" and not name.endswith("_code")) or name in _KEPT_CODES]
    cells = {name: _cell(name, client[name]) for name in names}
    for kind in ("registered", "postal", "invoice"):
        parts = (client[f"{kind}_address_{part}"] for part in _ADDRESS_PARTS)
        cells[f"{kind}_address"] = ", ".join(part.strip() for part in parts if part and part.strip())
    return tuple(_guarded(cells[name]) for name in FULL_EXPORT)


_KEPT_CODES = {
    "code",
    "companies_house_authentication_code",
    "personal_code",
    *(f"{kind}_address_post_code" for kind in ("registered", "postal", "invoice")),
}


def _cell(name: str, value: Any) -> str:
    if value is None:
        return ""
    if name in _BOOLEANS:
        return "true" if value else "false"
    return str(value)


def _guarded(cell: str) -> str:
    """Put an apostrophe before a cell that a spreadsheet might run as a formula.

    A sign followed by characters that can only form a number or a phone number is harmless and stays as it is.
    """
    if not cell or cell[0] not in "=+-@\t\r\n":
        return cell
    harmless = cell[0] in "+-" and not any(letter.isalpha() or letter in "=@!'\"|*^&<>:;_" for letter in cell[1:])
    return cell if harmless else f"'{cell}"


FULL_EXPORT = """
    name code type status email telephone internal_reference can_contact_post can_contact_telephone
    can_contact_email can_contact_sms pcl_sent manager partner associate company_number
    companies_house_authentication_code vat_number vat_registered vat_reg_date vat_scheme vat_reporting_period utr
    self_assessment_utr company_utr ni_number paye_ref accounts_office_ref trading_as nature_of_business
    incorporation_date registered_address postal_address invoice_address registered_address_line1
    registered_address_line2 registered_address_line3 registered_address_city registered_address_post_code
    registered_address_country postal_address_line1 postal_address_line2 postal_address_line3 postal_address_city
    postal_address_post_code postal_address_country invoice_address_line1 invoice_address_line2
    invoice_address_line3 invoice_address_city invoice_address_post_code invoice_address_country contact_name
    contact_title contact_first_name contact_middle_name contact_last_name contact_email contact_phone
    contact_mobile contact_date_of_birth personal_code contact_relationships team website contact_nationality
    contact_marital_status
""".split()
"""Source names of the columns of a full export, in order. `_record` joins whole addresses from their parts."""
