"""Advice for the documentation: what a caller can do about each problem."""

from __future__ import annotations

from collections.abc import Mapping

ADVICE: Mapping[str, str] = {
    "malformed-body": "Send one JSON object in UTF-8; `{}` is the smallest.",
    "invalid-request": "Each entry of `errors` points to a fault in the body and says what to change.",
    "invalid-header": "The detail names the header and the values that it may have.",
    "invalid-query": "The detail names the query parameter and the values that it may have.",
    "tenant-required": "The API key or token opens several tenants: name one, as in `/tenants/{tenant}/…`.",
    "invalid-api-key": "Send a valid API key in the header `x-api-key`.",
    "invalid-token": "The detail says what is wrong; usually a new token from the issuer helps.",
    "too-many-wrong-keys": "Send a valid key or token: it works at once. Otherwise wait as long as `Retry-After` says.",
    "forbidden": "Use a key or token that opens this tenant and has the scope that the operation needs.",
    "sensitive-fields": "Use a key or token with the scope `fields:sensitive`, or leave out the named fields.",
    "job-not-found": "Check the code, and check that the key opens the tenant to which it belongs.",
    "mapping-not-found": "Check the code, and check that the key opens the tenant to which it belongs.",
    "schedule-not-found": "Check the code, and check that the key opens the tenant to which it belongs.",
    "key-not-found": "Check the code, and check that your key opens the tenant to which it belongs.",
    "route-not-found": "Use one of the paths in `/openapi.json`.",
    "method-not-allowed": "Use a method that the header `Allow` names.",
    "not-completed": "Wait until the job is `Completed`; if it failed or was cancelled, start another export.",
    "already-ended": "Do nothing: the job has ended.",
    "not-resumable": "Start another export: only one that is `Cancelled`, or `Failed` and `resumable`, can be resumed.",
    "expired": "Start the export again; a file is available for a limited time.",
    "preset-read-only": "Create a mapping of your own; presets cannot be changed or deleted.",
    "idempotency-key-reused": "Use a new `Idempotency-Key`.",
    "length-required": "Send the body with a Content-Length header, not chunked; most clients do so for text or bytes.",
    "body-too-large": "Send a smaller body; the detail says how large it may be.",
    "unsupported-media-type": "Send `content-type: application/json`.",
    "too-many-mappings": "Delete a mapping that is no longer used.",
    "too-many-schedules": "Delete a schedule that is no longer used.",
    "too-many-keys": "Use keys that exist; keys that expired or were revoked count for a day after they were made.",
    "key-not-active": "Make a new key.",
    "key-rotated": "Rotate the key that replaced it.",
    "not-confirmed": "The detail says what may happen, and how to confirm that you want it.",
    "precondition-failed": "It was changed meanwhile: read it again, then repeat your change with its new `ETag`.",
    "quota-exceeded": "Wait as long as `Retry-After` says, or until a running export has ended.",
    "not-notified": "Request an export with `notify`, and wait until it has ended.",
    "too-many-sends": "Wait as long as `Retry-After` says.",
    "internal": "Try again; if it fails again, report the number in the detail.",
    "source-unusable": "The people who run the service must fix the client database; the detail says what is wrong.",
    "unavailable": "Try again after `Retry-After`.",
    "estimate-too-slow": "Start the export without an estimate; a preview shows its first rows.",
}
"""The advice by the code of the problem."""
