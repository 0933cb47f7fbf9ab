"""What the OpenAPI document says beside the routes: its introduction, its sections, the forms of codes."""

from __future__ import annotations

from exports.jobs.codes import JOB_CODE_PATTERN
from exports.request.keys import KEY_CODE_PATTERN

INTRODUCTION = """\
Exports all clients of a tenant as one file (CSV, a workbook or JSON Lines): start an export, watch it, download it.

Every route to the data of a tenant has two forms. `/tenants/{tenant}/…` names the tenant. The short form takes the
tenant from the API key or token; it works only for one that opens exactly one tenant. JSON properties are camelCase,
and times are UTC (RFC 3339). A request with an unknown property is refused. Answers may gain properties, so ignore
those that you do not know. Errors are problem documents (RFC 9457). You may send an id of your request in
`x-request-id` (1 to 64 letters, digits, `.`, `_` or `-`); every answer names the id, and operators find the request by
it."""
TAGS = (
    ("clients/export", "Exports", "Write the clients of a tenant to a file. Each export is a job."),
    ("clients/export/schedules", "Schedules", "Start exports at fixed times."),
    ("csv-mappings", "Mappings", "Save the columns of a file under a name."),
    ("keys", "Keys", "Administer the API keys of a tenant."),
    ("audit", "Audit log", "See who did what with the clients of a tenant."),
    ("", "Service", "The service itself, and what it knows of its caller."),
)
"""The beginning of a path, the name of its section, and what the section is for. The longest beginning counts."""

CODES = {"clients/export/csv": JOB_CODE_PATTERN, "keys": KEY_CODE_PATTERN}
"""The form of the codes of a collection."""
ANY_CODE = "[0-9a-z-]{1,100}"
