"""What a job asks of Azure, counted: pure numbers that are summed up on their way to the manifest."""

from __future__ import annotations

from shared.metering import Meter
from shared.models import Model


class StorageRequests(Model):
    """Requests to Azure Storage, repeats included, sorted as Azure prices them.

    `blobWrite` holds lists too, which cost the same; `blobDelete` costs nothing.
    """

    blob_write: int = 0
    blob_read: int = 0
    blob_delete: int = 0
    table_write: int = 0
    table_read: int = 0


class Cost(Model):
    """What steps have asked for.

    Attributes:
        bytes_sent: To storage, in the bodies of requests.
        function_seconds: Wall time of the steps, added up; orchestrators are not in it.
    """

    storage_requests: StorageRequests = StorageRequests()
    bytes_sent: int = 0
    function_seconds: float = 0


def cost_of(meter: Meter) -> Cost:
    """What a meter has counted until now."""
    requests = StorageRequests.model_validate(dict(meter.requests))
    return Cost(storage_requests=requests, bytes_sent=meter.bytes_sent, function_seconds=round(meter.seconds, 3))


def total(*costs: Cost | None) -> Cost | None:
    """Add up; None, which steps of older versions tell, counts nothing, and of nothing else it is the sum."""
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
