"""What a caller can do about each kind of problem, for the documentation."""

from __future__ import annotations

from collections.abc import Mapping

ADVICE: Mapping[str, str] = {
    "malformed-body": "Send one JSON object in UTF-8; `{}` is the smallest.",
    "invalid-request": "Each entry of `errors` points to a fault in the body and says what to change.",
    "invalid-header": "The detail names the header and what it may hold.",
    "invalid-query": "The detail names the query parameter and what it may hold.",
    "tenant-required": "The API key opens several tenants: call `/tenants/{tenant}/…`.",
    "invalid-api-key": "Send a valid API key in the header `x-api-key`.",
    "forbidden": "Use a key that opens this tenant and has the scope that the operation names.",
    "sensitive-fields": "Use a key with the scope `fields:sensitive`, or leave the named fields out.",
    "job-not-found": "Check the code, and that the key opens the tenant it belongs to.",
    "mapping-not-found": "Check the code, and that the key opens the tenant it belongs to.",
    "schedule-not-found": "Check the code, and that the key opens the tenant it belongs to.",
    "route-not-found": "Check the path against this page.",
    "method-not-allowed": "Use a method that the header `Allow` names.",
    "not-completed": "Wait until the job is `Completed`; if it has failed or was cancelled, start another.",
    "already-ended": "Nothing needs to be done: the job has ended.",
    "not-resumable": "Only a `Cancelled` export, or a `Failed` one that is `resumable`, can go on: start another.",
    "expired": "Start the export again; a file is kept for a limited time.",
    "preset-read-only": "Presets cannot be changed or deleted: create a mapping of your own.",
    "idempotency-key-reused": "Use a new key for a new request.",
    "body-too-large": "Send a smaller body; the detail tells how large it may be.",
    "unsupported-media-type": "Send `content-type: application/json`.",
    "too-many-mappings": "Delete a mapping that is no longer used.",
    "too-many-schedules": "Delete a schedule that is no longer used.",
    "precondition-failed": "Somebody else changed it meanwhile: read it again, then repeat with its new `ETag`.",
    "quota-exceeded": "Wait as long as `Retry-After` says, or until a running export has ended.",
    "internal": "Try again; if it fails again, report the number in the detail.",
    "source-unusable": "Whoever runs the service has to mend the client database; the detail says what is wrong.",
    "unavailable": "Try again after `Retry-After`.",
}
"""By the code of the problem."""
