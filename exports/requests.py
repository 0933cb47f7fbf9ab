"""What a caller may ask for: `CsvExportRequestDto` and its parts."""

from __future__ import annotations

import re
from datetime import MAXYEAR, MINYEAR
from typing import Annotated
from urllib.parse import urlsplit

from pydantic import ConfigDict, Field, StringConstraints, field_validator, model_validator
from pydantic.config import JsonDict
from pydantic_core import PydanticCustomError

from exports.csv.formats import FormatDto
from exports.fields import ClientStatus, ClientType, TargetField
from shared.models import Model, Moment

Code = Annotated[str, StringConstraints(min_length=1, max_length=100)]
Codes = Annotated[tuple[Code, ...], Field(max_length=1000)]

SEARCHED_COLUMNS = ("name", "code", "email", "company_number", "internal_reference", "trading_as", "contact_name")
"""The columns of the `clients` view that `ClientFilter.search` looks into."""

LISTED_COLUMNS = {
    "manager_codes": "manager_code",
    "partner_codes": "partner_code",
    "associate_codes": "associate_code",
    "team_codes": "team_code",
    "statuses": "status",
    "types": "type",
}
"""The filters that are lists of values: the column of the `clients` view that each one compares."""


class ClientFilter(Model):
    """Which clients to export. Values within a list are OR, lists are AND; an empty or absent list filters nothing.

    Attributes:
        manager_codes, partner_codes, associate_codes, team_codes: Codes of the references, not their names.
        service_codes: Clients that have one of these services.
        search: One piece of text that is found, letter case ignored, anywhere in the name, code, e-mail address,
            company number, internal reference, trading name or contact name.
        updated_since: Clients changed at this moment or later; with its offset from UTC.
    """

    manager_codes: Codes = ()
    partner_codes: Codes = ()
    associate_codes: Codes = ()
    team_codes: Codes = ()
    statuses: tuple[ClientStatus, ...] = ()
    types: tuple[ClientType, ...] = ()
    service_codes: Codes = ()
    search: Annotated[str, StringConstraints(max_length=200)] | None = None
    updated_since: Moment | None = None

    @field_validator("updated_since")
    @classmethod
    def _can_be_told_in_utc(cls, value: Moment | None) -> Moment | None:
        if value is not None and value.tzinfo is None:
            raise PydanticCustomError("timezone", "give the time with its offset, e.g. 2026-01-31T09:00:00Z")
        if value is not None and not MINYEAR < value.year < MAXYEAR:
            raise PydanticCustomError("too_far_away", "give a time that is nearer to today")
        return value


class ColumnMapping(Model):
    """One column of the file: its header and the field it shows."""

    csv_header: Annotated[str, StringConstraints(min_length=1, max_length=200)]
    target_field: TargetField


ALL_COLUMNS: tuple[ColumnMapping, ...] = tuple(
    ColumnMapping(csv_header=field.value, target_field=field) for field in TargetField
)
"""A full export: every field, its name as header."""


_URL = r"^https?://(\[[0-9A-Fa-f:.]{2,45}\]|[A-Za-z0-9._-]{1,253})(:[0-9]{1,5})?([/?][!-\"$-~]*)?$"
"""Absolute, of visible ASCII, without user name and fragment; a host as long as may be (RFC 1035, section 2.3.4)."""


class NotifyDto(Model):
    """Whom to tell when the export has ended, however it did.

    Attributes:
        webhook_url: Gets the job as a signed POST (Standard Webhooks), again for up to three days until it answers with
            2xx. An absolute `https` URL of the public Internet; it is not shown to anybody.
    """

    webhook_url: Annotated[
        str, Field(repr=False, max_length=2000, json_schema_extra={"format": "uri", "pattern": _URL})
    ]

    @field_validator("webhook_url")
    @classmethod
    def _is_an_absolute_url(cls, value: str) -> str:
        try:
            whole = re.search(_URL, value) is not None and urlsplit(value).port != 0
        except ValueError:  # of the port, or of an address in brackets
            whole = False
        if not whole or value.endswith("\n"):
            message = "give an absolute URL, e.g. https://example.com/exports, in ASCII, without user name and fragment"
            raise PydanticCustomError("not_a_url", message)
        return value


_BOTH_SOURCES_OF_COLUMNS: JsonDict = {
    "required": ["mappingCode", "columnMappings"],
    "properties": {"mappingCode": {"type": "string"}, "columnMappings": {"type": "array"}},
}


class CsvExportRequestDto(Model):
    """The body of `POST …/clients/export/csv`. `{}` asks for every client with every field.

    Attributes:
        mapping_code: A saved mapping; excludes `columnMappings`.
        column_mappings: Columns, their order and headers; each header and each field once.
        include_headers: Whether the first record holds the headers.
        notify: Whom to tell when the export has ended; nobody, unless given.
    """

    model_config = ConfigDict(json_schema_extra={"not": _BOTH_SOURCES_OF_COLUMNS})

    mapping_code: Code | None = None
    column_mappings: Annotated[tuple[ColumnMapping, ...], Field(min_length=1)] | None = None
    include_headers: bool = True
    filter: ClientFilter = ClientFilter()
    format: FormatDto = FormatDto()
    notify: NotifyDto | None = None

    @model_validator(mode="after")
    def _one_source_of_columns(self) -> CsvExportRequestDto:
        if self.mapping_code is not None and self.column_mappings is not None:
            raise PydanticCustomError("both_mappings", "give mappingCode or columnMappings, not both")
        return self
