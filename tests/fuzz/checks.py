"""A check for schemathesis: the service refuses a valid request only for a reason that a schema cannot express."""

from __future__ import annotations

import re
from typing import Any

import schemathesis

_DETAILS_OF_PROBLEMS = {
    "precondition-failed": ".*",
    "idempotency-key-reused": ".*",
    "forbidden": r"This key opens other tenants as well, .*",
    "invalid-query": r"The continuation token is not .*|confirm must be the code of the key .*",
}
_DETAILS_OF_FAULTS = (
    r"“.*” is already used by column \d+; use it once\.",
    r"There is no mapping with this code\.",
    r"There is no export with this code\. .*",
    r"A schedule cannot start from one export\. .*",
    r"Give a later moment than updatedSince: .*",
    r"give a time in the years 2 to 9998\.",
    r"give a cron expression of five fields, .*",
    r"give five fields: .*",
    r"give at most 12 minutes of an hour, .*",
    r"give a time that occurs: .*",
    r"correct the (minute|hour|day of the month|month|day of the week), .*",
    r"give the IANA name of a time zone, .*",
    r"This service cannot send (webhooks|e-mail): .*",
    r"give each address once\.",
    r"give webhookUrl or email, or both\.",
    r"The people who run this service do not allow e-mail to this domain\.",
    r"This is the shortened form of a URL\..*",
    r"give an absolute URL, .*",
)


@schemathesis.check
def refused_for_a_reason(
    ctx: schemathesis.CheckContext, response: schemathesis.Response, case: schemathesis.Case[Any]
) -> None:
    """Fail if the service refuses a request that its own document allows, unless the reason is one of those above."""
    if (
        case.meta is None
        or not case.meta.generation.mode.is_positive
        or response.status_code not in (400, 403, 412, 422)
    ):
        return
    problem = response.json()
    for detail in [fault["detail"] for fault in problem.get("errors", ())] or [problem["detail"]]:
        reasons = _DETAILS_OF_FAULTS if "errors" in problem else (_DETAILS_OF_PROBLEMS.get(problem["code"], "never"),)
        is_known = any(re.fullmatch(reason, detail, re.DOTALL | re.IGNORECASE) for reason in reasons)
        assert is_known, f"refused, though it fits the schema: {detail}"
