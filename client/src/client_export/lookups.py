"""What the service tells before an export: who you are, what a file would hold, and by what clients can be filtered."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from client_export.models import EstimateWarning

Json = Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class MyTenant:
    """A tenant that you may use, its name for people if it has one, and what you may do for it."""

    code: str
    name: str | None
    scopes: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Me:
    """The holder of a key or token.

    Attributes:
        name: The name of the key, or of the user of the token; None if it is not known.
        any_tenant: Whether you may use every tenant, also those that are not among `tenants`.
        scopes: What you may do for at least one tenant.
        limits: Limits of each tenant by name, such as `activeJobs`.
        notify_by: The ways in which the service can notify you about the end of an export: `webhook`, `email`.
        consistency: What a file can guarantee here: `pages`, and `snapshot` if the client database can show one moment.
    """

    name: str | None
    tenants: tuple[MyTenant, ...]
    any_tenant: bool
    scopes: tuple[str, ...]
    limits: Mapping[str, float]
    notify_by: tuple[str, ...]
    consistency: tuple[str, ...]
    raw: Json = field(repr=False, compare=False)

    @classmethod
    def from_json(cls, document: Json) -> Me:
        """Read a caller as the service shows it."""
        tenants = tuple(
            MyTenant(each["code"], each.get("name"), tuple(each.get("scopes") or ())) for each in document["tenants"]
        )
        limits: Json = document.get("limits") or {}
        return cls(
            name=document.get("name"),
            tenants=tenants,
            any_tenant=bool(document.get("anyTenant")),
            scopes=tuple(document["scopes"]),
            limits={name: value for name, value in limits.items() if isinstance(value, (int, float))},
            notify_by=tuple(limits.get("notifyBy") or ()),
            consistency=tuple(limits.get("consistency") or ("pages",)),
            raw=document,
        )


@dataclass(frozen=True, slots=True)
class Preview:
    """The first rows of a file that an export would write.

    Attributes:
        total_items: How many clients the file would hold; None if counting them takes too long.
        minimum_items: If `total_items` is None: there are at least so many clients. None if not even that is known.
        columns: (header, field) of each column.
        rows: The cells of the first clients. Long cells are cut.
        rows_complete: Whether these are the first ten clients, or all if there are fewer. If not, they are those that
            were found in time.
        omitted_fields: Sensitive fields that are left out, because you may not read them.
        warnings: What to know about text that no cell of a workbook can hold: it will be cut, or the export would fail.
        text: The beginning of the file; empty for a workbook.
    """

    total_items: int | None
    columns: tuple[tuple[str, str], ...]
    rows: tuple[tuple[str, ...], ...]
    omitted_fields: tuple[str, ...]
    text: str = field(repr=False)
    raw: Json = field(repr=False, compare=False)
    minimum_items: int | None = None
    rows_complete: bool = True
    warnings: tuple[EstimateWarning, ...] = ()

    @classmethod
    def from_json(cls, document: Json) -> Preview:
        """Read a preview."""
        return cls(
            total_items=document.get("totalItems"),
            columns=tuple((each["csvHeader"], each["targetField"]) for each in document["columns"]),
            rows=tuple(map(tuple, document["rows"])),
            omitted_fields=tuple(document.get("omittedFields") or ()),
            text=document["text"],
            raw=document,
            minimum_items=document.get("minimumItems"),
            rows_complete=document.get("rowsComplete", True),
            warnings=EstimateWarning.all_of(document),
        )


@dataclass(frozen=True, slots=True)
class FilterValue:
    """A value that a filter may name, and its name for people."""

    code: str
    name: str | None


@dataclass(frozen=True, slots=True)
class FilterValues:
    """The values by which the clients of a tenant can be filtered.

    Attributes:
        truncated: Whether there may be more values than these.
    """

    managers: tuple[FilterValue, ...]
    partners: tuple[FilterValue, ...]
    associates: tuple[FilterValue, ...]
    teams: tuple[FilterValue, ...]
    services: tuple[FilterValue, ...]
    truncated: bool
    raw: Json = field(repr=False, compare=False)

    @classmethod
    def from_json(cls, document: Json) -> FilterValues:
        """Read the values of filters."""

        def values(name: str) -> tuple[FilterValue, ...]:
            return tuple(FilterValue(each["code"], each.get("name")) for each in document[name])

        return cls(
            managers=values("managers"),
            partners=values("partners"),
            associates=values("associates"),
            teams=values("teams"),
            services=values("services"),
            truncated=bool(document.get("truncated")),
            raw=document,
        )
