"""Saved mappings: a named list of columns that later exports can use again."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import datetime
from enum import StrEnum
from typing import Annotated, Self

from pydantic import Field

from exports.request.columns import ColumnMapping
from shared.models import Model, Moment
from shared.named_resources import Name, moment_of_change, new_code, to_millisecond

MAX_MAPPINGS = 500
"""How many mappings a tenant may save. The limit keeps a list of all of them cheap."""


class MatchField(StrEnum):
    """The field by which the program that reads the file recognizes a client. The values are a published contract."""

    CODE = "Code"
    NAME = "Name"
    COMPANY_NUMBER = "CompanyNumber"
    INTERNAL_REFERENCE = "InternalReference"
    NI_NUMBER = "NiNumber"


class MappingType(StrEnum):
    """The kind of record that a mapping maps."""

    CLIENT = "Client"


Columns = Annotated[tuple[ColumnMapping, ...], Field(min_length=1)]


class CreateCsvMappingDto(Model):
    """The body of `POST …/csv-mappings`. `matchField` defaults to `Code`."""

    name: Name
    column_mappings: Columns
    mapping_type: MappingType
    match_field: MatchField | None = None


class UpdateCsvMappingDto(Model):
    """The body of `PUT …/csv-mappings/{code}`. Without `matchField` or `mappingType` the mapping keeps its own."""

    name: Name
    column_mappings: Columns
    mapping_type: MappingType | None = None
    match_field: MatchField | None = None


class CsvMappingDto(Model):
    """A mapping as the API shows it. Every property is always present."""

    code: str
    name: str
    column_mappings: tuple[ColumnMapping, ...]
    match_field: MatchField
    is_preset: bool
    mapping_type: MappingType
    created_date: Moment
    updated_date: Moment


class MappingContent(Model):
    """The content of a mapping, as it is stored."""

    name: str
    columns: tuple[ColumnMapping, ...]
    match_field: MatchField = MatchField.CODE
    mapping_type: MappingType = MappingType.CLIENT


@dataclass(frozen=True, slots=True)
class SavedMapping:
    """A mapping of one tenant.

    Attributes:
        updated_date: In whole milliseconds. Every change makes it later, so no two states have the same date.
    """

    tenant: str
    code: str
    content: MappingContent
    created_date: datetime
    updated_date: datetime

    def update(self, request: UpdateCsvMappingDto, now: datetime) -> Self:
        """Return the mapping with its content replaced."""
        content = MappingContent(
            name=request.name,
            columns=request.column_mappings,
            match_field=request.match_field or self.content.match_field,
            mapping_type=request.mapping_type or self.content.mapping_type,
        )
        return replace(self, content=content, updated_date=moment_of_change(now, self.updated_date))


def new_mapping(tenant: str, request: CreateCsvMappingDto, now: datetime) -> SavedMapping:
    """Build a mapping with a new code."""
    content = MappingContent(
        name=request.name,
        columns=request.column_mappings,
        match_field=request.match_field or MatchField.CODE,
        mapping_type=request.mapping_type,
    )
    created = to_millisecond(now)
    return SavedMapping(tenant, new_code(), content, created, created)


def show_mapping(mapping: SavedMapping) -> CsvMappingDto:
    """Build the public view of a saved mapping."""
    return show_content(mapping.code, mapping.content, mapping.created_date, mapping.updated_date)


def show_content(
    code: str, content: MappingContent, created: datetime, updated: datetime, *, is_preset: bool = False
) -> CsvMappingDto:
    """Build the public view of a mapping from its content."""
    return CsvMappingDto(
        code=code,
        name=content.name,
        column_mappings=content.columns,
        match_field=content.match_field,
        is_preset=is_preset,
        mapping_type=content.mapping_type,
        created_date=created,
        updated_date=updated,
    )
