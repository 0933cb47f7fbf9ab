"""Step: list the values that the filters of a tenant's exports can have."""

from __future__ import annotations

from exports.request.filter_values import MAX_VALUES, FilterValuesDto
from exports.services import Services

_SECONDS = 3.0
"""The most seconds for each list."""


def list_filter_values(services: Services, tenant: str) -> FilterValuesDto:
    """Return the values that the clients of a tenant have, as of the last minute.

    Raises:
        SourceUnavailableError, SourceThrottledError: Can be tried again.
        SourceMismatchError, SourceRefusedError: Cannot be tried again; the `clients` view is at fault.
    """

    def find() -> FilterValuesDto:
        with services.lookups.enter(tenant):
            return services.clients.filter_values(tenant, MAX_VALUES, _SECONDS)

    return services.filter_values.get(tenant, services.clock(), find)
