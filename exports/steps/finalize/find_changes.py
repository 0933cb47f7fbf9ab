"""Finds the clients that the file of an earlier export must lose, for the manifest of an export since it."""

from __future__ import annotations

from exports.errors import TooManyRemovedError
from exports.file.manifest import ManifestChanges
from exports.jobs.job import Job
from exports.ports.clients import ClientSelection
from exports.services import Services

MAX_REMOVED_CODES = 100_000
"""The most codes in each list of a manifest: a few MB of JSON, which every reader can hold in memory."""

_MOST_SECONDS = 240
"""How long the source may search for them: as long as for one statement. `prove_clients`, which may let it count before
that, leaves this time of the ten minutes that the host gives an activity. So `plan_or_export`, which may
read a page as long, leaves them to `commit_file` unless it has read the page quickly."""


def find_changes(services: Services, job: Job) -> ManifestChanges | None:
    """Find the clients that were deleted or left the filter since the export that the request names as its start.

    Call it after the pages were read. A client that is deleted meanwhile may be in the file and in a list; it is gone.
    One that is made again after this may be in neither; the next export since this one has it. Call
    `require_not_replaced` afterwards, also after an error: the lists must be of the same data as the pages.

    Returns:
        None if the request names no start.

    Raises:
        TooManyRemovedError: There are more than a manifest lists. Cannot be tried again.
        SourceMismatchError: The view of deleted clients cannot be used. Cannot be tried again.
        SourceUnavailableError: Can be tried again.
    """
    if job.spec.since is None:
        return None
    selection = ClientSelection(job.tenant, (), job.spec.filter)
    found = services.clients.removed_codes(selection, MAX_REMOVED_CODES, _MOST_SECONDS)
    if max(len(found.left), len(found.deleted or ())) > MAX_REMOVED_CODES:
        message = (
            f"More than {MAX_REMOVED_CODES:,} clients were deleted, or changed and do not pass the filter, since the "
            "export that since names. Start an export of all clients, without since."
        )
        raise TooManyRemovedError(message)
    return ManifestChanges(since=job.spec.since, deleted_codes=found.deleted, left_codes=found.left)
