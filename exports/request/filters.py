"""The filter of an export: which clients a caller may ask for."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import MAXYEAR, MINYEAR, datetime
from typing import Annotated

from pydantic import Field, StringConstraints, field_validator
from pydantic.alias_generators import to_camel

from exports.request.faults import NO_MOMENT_BETWEEN, NO_OFFSET, TOO_FAR_AWAY
from exports.request.fields import ClientStatus, ClientType
from shared.models import ExactMoment, Model, OptionalField
from shared.problems import Fault, pointer

MAX_CODE_CHARACTERS = 100
Code = Annotated[str, StringConstraints(min_length=1, max_length=MAX_CODE_CHARACTERS)]
Codes = Annotated[tuple[Code, ...], Field(max_length=1000)]

SEARCHED_COLUMNS = ("name", "code", "email", "company_number", "internal_reference", "trading_as", "contact_name")
"""The columns of the `clients` view that `ClientFilter.search` searches."""

LISTED_COLUMNS = {
    "manager_codes": "manager_code",
    "partner_codes": "partner_code",
    "associate_codes": "associate_code",
    "team_codes": "team_code",
    "statuses": "status",
    "types": "type",
}
"""Maps each filter that lists values to the column of the `clients` view that it is compared with."""

LISTS = (*LISTED_COLUMNS, "service_codes")
"""The filters that list values. Their order, and values that occur twice, mean nothing."""

_COLUMNS: dict[str, tuple[str, ...]] = {
    **{attribute: (column,) for attribute, column in LISTED_COLUMNS.items()},
    "service_codes": ("service_codes",),
    "search": SEARCHED_COLUMNS,
    "updated_since": ("updated_at",),
    "updated_until": ("updated_at",),
}
"""Maps each filter to the columns that it reads."""


class ClientFilter(Model):
    """Which clients to export. A client must match every list that is given, by at least one value of that list.

    A list that is absent or empty filters nothing.

    Attributes:
        manager_codes, partner_codes, associate_codes, team_codes: Codes, not names.
        service_codes: Only clients that have at least one of these services.
        search: Only clients with this text anywhere in their name, code, e-mail address, company number, internal
            reference, trading name or contact name. Upper and lower case are the same.
        updated_since: Only clients that changed at this moment or later. Give the time with its offset from UTC.
            It counts to the microsecond; further digits are cut off.
        updated_until: Only clients that last changed before this moment, which counts to the microsecond too. A client
            that changed at the moment itself is left out, so an export until a moment and one since the same moment
            share no client.
    """

    manager_codes: Codes = ()
    partner_codes: Codes = ()
    associate_codes: Codes = ()
    team_codes: Codes = ()
    statuses: tuple[ClientStatus, ...] = ()
    types: tuple[ClientType, ...] = ()
    service_codes: Codes = ()
    search: Annotated[str, StringConstraints(max_length=200)] | None = None
    updated_since: ExactMoment | None = None
    updated_until: OptionalField[ExactMoment] = None

    @field_validator("updated_since", "updated_until")
    @classmethod
    def _can_be_converted_to_utc(cls, value: datetime | None) -> datetime | None:
        if value is not None and value.tzinfo is None:
            raise NO_OFFSET.error()
        if value is not None and not MINYEAR < value.year < MAXYEAR:
            raise TOO_FAR_AWAY.error()
        return value

    @property
    def is_of_moments(self) -> bool:
        """Whether it filters by nothing but the time of the last change. An empty `search` filters nothing."""
        return columns_by_filter(self).keys() <= {"updatedSince", "updatedUntil"}

    def of_moments(self) -> ClientFilter:
        """Return the filter by the time of the last change alone."""
        return ClientFilter(updated_since=self.updated_since, updated_until=self.updated_until)


def find_filter_faults(wanted: ClientFilter) -> Iterator[Fault]:
    """Yield the fault of a filter that lets no client through, whatever the clients are."""
    since, until = wanted.updated_since, wanted.updated_until
    if since is not None and until is not None and until <= since:
        yield NO_MOMENT_BETWEEN.at(pointer("filter", "updatedUntil"))


def columns_by_filter(wanted: ClientFilter) -> dict[str, tuple[str, ...]]:
    """Return the columns of the `clients` view that each used filter reads, by the name of the filter in a request."""
    return {to_camel(attribute): columns for attribute, columns in _COLUMNS.items() if getattr(wanted, attribute)}


def filters_by(column: str) -> tuple[str, ...]:
    """Return the names of the filters that read a column of the `clients` view."""
    return tuple(to_camel(attribute) for attribute, columns in _COLUMNS.items() if column in columns)
