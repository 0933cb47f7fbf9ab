"""The values that the filters of a tenant's exports can have: what the UI offers for choice."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from exports.request.filters import MAX_CODE_CHARACTERS
from shared.models import Model

MAX_VALUES = 1_000
"""The most values of each list."""


class FilterValueDto(Model):
    """A value that a filter may name.

    Attributes:
        code: The code, as a filter of a request names it.
        name: The name for people; null if the clients have none.
    """

    code: str
    name: str | None


class FilterValuesDto(Model):
    """The managers, partners, associates, teams and services that the clients of a tenant have.

    Attributes:
        truncated: Whether there may be more values than these, because there are too many, or because the client
            database would take too long to find all of them.
    """

    managers: tuple[FilterValueDto, ...] = ()
    partners: tuple[FilterValueDto, ...] = ()
    associates: tuple[FilterValueDto, ...] = ()
    teams: tuple[FilterValueDto, ...] = ()
    services: tuple[FilterValueDto, ...] = ()
    truncated: bool = False


NAMED_VALUES = {
    "managers": ("manager_code", "manager"),
    "partners": ("partner_code", "partner"),
    "associates": ("associate_code", "associate"),
    "teams": ("team_code", "team"),
}
"""The columns of the `clients` view with the codes and with the names of each list. Services have no names there."""

VALUE_COLUMNS: tuple[str, ...] = (*(name for pair in NAMED_VALUES.values() for name in pair), "service_codes")
"""All columns that the lists are made of."""


def is_offered(code: str) -> bool:
    """Return whether a filter of a request can name this code."""
    return 0 < len(code) <= MAX_CODE_CHARACTERS


def services_in(text: str) -> set[str]:
    """Return the codes in a value of `service_codes`."""
    return {code for part in text.split(";") if is_offered(code := part.strip())}


def collect_values(clients: Iterable[Mapping[str, Any]], most: int, *, truncated: bool) -> FilterValuesDto:
    """Collect the values of some clients, for a source that cannot find the different values itself.

    Args:
        clients: Clients by column.
        truncated: Whether there are other clients.
    """
    found: dict[str, dict[str, str | None]] = {name: {} for name in (*NAMED_VALUES, "services")}
    for client in clients:
        for name, (code_column, name_column) in NAMED_VALUES.items():
            code = client.get(code_column)
            if code is not None and is_offered(str(code)):
                known = found[name]
                known[str(code)] = known.get(str(code)) or _name_of(client.get(name_column))
        found["services"] |= dict.fromkeys(services_in(str(client.get("service_codes") or "")))
    lists = {
        name: tuple(FilterValueDto(code=code, name=shown) for code, shown in sorted(values.items())[:most])
        for name, values in found.items()
    }
    return FilterValuesDto(**lists, truncated=truncated or any(len(values) > most for values in found.values()))


def _name_of(value: object) -> str | None:
    return None if value is None else str(value).strip() or None
