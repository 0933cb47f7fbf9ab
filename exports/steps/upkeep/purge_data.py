"""Removes the data of a job from every store, except the job's row and its audit entries."""

from __future__ import annotations

from exports.jobs.job import JobRef
from exports.services import Services


def purge_data(services: Services, ref: JobRef) -> None:
    """Remove the blobs, the page records and the delivery log of a job. Safe to run twice."""
    services.files.purge(ref)
    services.pages.purge(ref)
    services.deliveries.purge(ref.tenant, ref.code)
