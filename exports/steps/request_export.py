"""Step: from a caller's request to a job, new or the one the same request has led to before."""

from __future__ import annotations

import asyncio

from exports.errors import KeyReusedError, QuotaExceededError, StorageUnavailableError
from exports.idempotency import IdempotencyRecord, hash_of_body, hash_of_key
from exports.job_codes import new_job_code
from exports.jobs import ExportSpec, Job
from exports.requests import CsvExportRequestDto
from exports.services import Services
from exports.steps.quotas import require_quota
from exports.steps.start_export import OrchestrationStarter, make_job, start_export


async def request_export(
    services: Services,
    starter: OrchestrationStarter,
    tenant: str,
    spec: ExportSpec,
    actor: str,
    repeat: IdempotencyRecord | None = None,
) -> Job:
    """Start an export, unless the idempotency record `repeat` already has its job: then give that one.

    Raises:
        QuotaExceededError: Nothing was started.
        NotStartedError, StorageUnavailableError: As `start_export`.
    """
    now = services.now()
    code = repeat.code if repeat else new_job_code(now)
    if known := await asyncio.to_thread(_known_or_within_quota, services, tenant, repeat):
        return known
    started = await start_export(services, starter, make_job(tenant, spec, code, now), actor)
    found = started or await asyncio.to_thread(services.jobs.get, tenant, code)
    if found is None:
        raise StorageUnavailableError("The export was removed while it was being started.")
    return found


def claim_key(services: Services, tenant: str, key: str, request: CsvExportRequestDto) -> IdempotencyRecord:
    """Bind an idempotency key to a request, or find what it is bound to.

    A request beyond the quota binds nothing. Otherwise keys bound today would be places for tomorrow: the code that a
    key stands for tells the day its job counts for.

    Raises:
        KeyReusedError: It is bound to another request.
        QuotaExceededError: It is bound to none, and the tenant may have no more jobs.
    """
    now = services.now()
    mine = IdempotencyRecord(tenant, hash_of_key(key), hash_of_body(request), new_job_code(now), now)
    found = services.requests.find(tenant, mine.key_hash) or _claim_within_quota(services, mine)
    if found.body_hash != mine.body_hash:
        raise KeyReusedError("This Idempotency-Key was used with another body; use a new key for a new request.")
    return found


def _claim_within_quota(services: Services, mine: IdempotencyRecord) -> IdempotencyRecord:
    try:
        require_quota(services, mine.tenant)
    except QuotaExceededError:
        if meanwhile := services.requests.find(mine.tenant, mine.key_hash):
            return meanwhile  # perhaps it was this request, sent twice, that has taken the last place
        raise
    return services.requests.claim(mine)


def _known_or_within_quota(services: Services, tenant: str, repeat: IdempotencyRecord | None) -> Job | None:
    """Give the job of a repeated request if there is one; else see that the tenant may have another."""

    def known() -> Job | None:
        return services.jobs.get(tenant, repeat.code) if repeat else None

    if found := known():
        return found
    try:
        require_quota(services, tenant)
    except QuotaExceededError:
        if found := known():
            return found
        raise
    return None
