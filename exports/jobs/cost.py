"""The cost of a job in requests, bytes and seconds. Each step counts its own cost; the manifest shows the sum."""

from __future__ import annotations

from shared.metering import Meter
from shared.models import Model


class StorageRequests(Model):
    """Requests to Azure Storage by the classes in which Azure prices them. Repeated requests count each time.

    `blobWrite` includes requests that list blobs, which cost the same. `blobDelete` is free.
    """

    blob_write: int = 0
    blob_read: int = 0
    blob_delete: int = 0
    table_write: int = 0
    table_read: int = 0


class Cost(Model):
    """The cost of one or several steps.

    Attributes:
        bytes_sent: Bytes sent to storage in the bodies of requests.
        function_seconds: Sum of the wall times of the steps. Orchestrators are not included.
    """

    storage_requests: StorageRequests = StorageRequests()
    bytes_sent: int = 0
    function_seconds: float = 0


def cost_of(meter: Meter) -> Cost:
    """Return the cost that a meter has counted so far."""
    requests = StorageRequests.model_validate(dict(meter.requests))
    return Cost(storage_requests=requests, bytes_sent=meter.bytes_sent, function_seconds=round(meter.seconds, 3))


def total(*costs: Cost | None) -> Cost | None:
    """Add up costs. Ignores None (sent by older versions); returns None if every value is None."""
    known = [cost for cost in costs if cost is not None]
    if not known:
        return None
    names = StorageRequests.model_fields
    requests = {name: sum(getattr(cost.storage_requests, name) for cost in known) for name in names}
    return Cost(
        storage_requests=StorageRequests(**requests),
        bytes_sent=sum(cost.bytes_sent for cost in known),
        function_seconds=round(sum(cost.function_seconds for cost in known), 3),
    )
