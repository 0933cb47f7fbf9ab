"""The body of a request for an export: `CsvExportRequestDto` and its parts."""

from __future__ import annotations

import re
from typing import Annotated
from urllib.parse import urlsplit

from pydantic import ConfigDict, Field, field_validator, model_validator
from pydantic.config import JsonDict, JsonValue

from exports.request.columns import ColumnMapping
from exports.request.consistency import Consistency
from exports.request.email_address import MAX_EMAIL_ADDRESSES, EmailAddress
from exports.request.faults import NO_RECEIVER, NOT_A_URL, REPEATED_ADDRESS, TWO_SOURCES_OF_COLUMNS
from exports.request.filters import ClientFilter, Code
from exports.request.formats import PRESETS_THAT_NEED_HEADERS, FormatDto
from shared.models import Model, OptionalField, drop_default

_URL = r"^https?://(\[[0-9A-Fa-f:.]{2,45}\]|[A-Za-z0-9._-]{1,253})(:[0-9]{1,5})?([/?][!\x22$-~]*)?$"
"""Absolute, in visible ASCII, without user name or fragment. A host has at most 253 characters (RFC 1035, 2.3.4)."""


def _describe_url(schema: JsonDict) -> None:
    drop_default(schema)
    schema.update({"format": "uri", "pattern": _URL})


def _describe_addresses(schema: JsonDict) -> None:
    drop_default(schema)
    schema["uniqueItems"] = True


class NotifyDto(Model):
    """Where to send a notification when the export has ended, whether it succeeded, failed or was cancelled.

    At least one of the two is required.

    Attributes:
        webhook_url: Receives the job as a signed POST (Standard Webhooks). The service repeats the POST for up to
            three days until the receiver answers with 2xx. Must be an absolute `https` URL on the public Internet.
            Responses never show its path or query.
        email: Addresses that receive an e-mail, at most five, each once in whatever case. Their domains must be ones
            that the service allows. The e-mail says how the export ended, and holds no data of clients and no link to
            the file.
    """

    model_config = ConfigDict(json_schema_extra={"minProperties": 1})

    webhook_url: Annotated[
        str,
        Field(
            repr=False,
            max_length=2000,
            exclude_if=lambda url: not url,
            json_schema_extra=_describe_url,
        ),
    ] = ""
    email: Annotated[
        tuple[EmailAddress, ...],
        Field(
            repr=False,
            min_length=1,
            max_length=MAX_EMAIL_ADDRESSES,
            exclude_if=lambda addresses: not addresses,
            json_schema_extra=_describe_addresses,
        ),
    ] = ()

    @field_validator("webhook_url")
    @classmethod
    def _is_an_absolute_url(cls, value: str) -> str:
        try:
            is_valid = re.search(_URL, value) is not None and urlsplit(value).port != 0
        except ValueError:  # the port, or an address in brackets, is not valid
            is_valid = False
        if not is_valid or value.endswith("\n"):
            raise NOT_A_URL.error()
        return value

    @field_validator("email")
    @classmethod
    def _has_each_address_once(cls, value: tuple[str, ...]) -> tuple[str, ...]:
        if len({address.lower() for address in value}) < len(value):
            raise REPEATED_ADDRESS.error()
        return value

    @model_validator(mode="after")
    def _has_a_receiver(self) -> NotifyDto:
        if not self.webhook_url and not self.email:
            raise NO_RECEIVER.error()
        return self


_BOTH_SOURCES_OF_COLUMNS: JsonDict = {
    "required": ["mappingCode", "columnMappings"],
    "properties": {"mappingCode": {"type": "string"}, "columnMappings": {"type": "array"}},
}
_WITHOUT_ITS_HEADERS: JsonDict = {
    "required": ["includeHeaders", "format"],
    "properties": {
        "includeHeaders": {"const": False},
        "format": {
            "required": ["preset"],
            "properties": {"preset": {"enum": [preset.value for preset in PRESETS_THAT_NEED_HEADERS]}},
        },
    },
}

_BOTH_STARTS: JsonDict = {
    "required": ["since", "filter"],
    "properties": {
        "since": {"type": "string"},
        "filter": {"required": ["updatedSince"], "properties": {"updatedSince": {"type": "string"}}},
    },
}
_REFUSED: list[JsonValue] = [_BOTH_SOURCES_OF_COLUMNS, _WITHOUT_ITS_HEADERS, _BOTH_STARTS]


class CsvExportRequestDto(Model):
    """The body of `POST …/clients/export/csv`. `{}` asks for every client with every field.

    Attributes:
        mapping_code: Code of a saved mapping or preset that defines the columns. Excludes `columnMappings`.
        column_mappings: The columns in the order of the file. No header and no field may occur twice.
        include_headers: Whether the first record of the file holds the headers. Each line of `jsonl` does, so `false`
            is refused there.
        consistency: `snapshot` if the file must show all clients as they were at one moment. By default each page is
            read at a moment of its own, which is faster.
        notify: Where to send a notification when the export has ended. Without it, none is sent.
        since: Code of a completed export with the same columns and filter. The file then holds only the clients that
            changed since that export was requested, and some minutes before. Excludes `updatedSince` in `filter`.
    """

    model_config = ConfigDict(json_schema_extra={"not": {"anyOf": _REFUSED}})

    mapping_code: Code | None = None
    column_mappings: Annotated[tuple[ColumnMapping, ...], Field(min_length=1)] | None = None
    include_headers: bool = True
    filter: ClientFilter = ClientFilter()
    format: FormatDto = FormatDto()
    consistency: Consistency = Consistency.PAGES
    notify: NotifyDto | None = None
    since: OptionalField[Code] = None

    @model_validator(mode="after")
    def _one_source_of_columns(self) -> CsvExportRequestDto:
        if self.mapping_code is not None and self.column_mappings is not None:
            raise TWO_SOURCES_OF_COLUMNS.error()
        return self
