"""Step: from a caller's request to a job, new or the one the same request has led to before."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass

from exports.errors import KeyReusedError, QuotaExceededError, StorageUnavailableError
from exports.idempotency import IdempotencyRecord, hash_of_body, hash_of_key
from exports.job_codes import new_job_code
from exports.jobs import Job
from exports.requests import CsvExportRequestDto
from exports.services import Services
from exports.specs import SensitiveFields
from exports.steps.pin_spec import pin_spec
from exports.steps.quotas import require_quota
from exports.steps.start_export import OrchestrationStarter, make_job, start_export


@dataclass(frozen=True, slots=True)
class Asking:
    """Who asks for what; `key` is the idempotency key, if the caller gave one."""

    tenant: str
    actor: str
    request: CsvExportRequestDto
    sensitive: SensitiveFields
    key: str | None = None


async def request_export(services: Services, starter: OrchestrationStarter, asking: Asking) -> Job:
    """Start an export, unless the same request with the same idempotency key has its job already: then give that one,
    whatever has become of mappings or quotas since.

    Raises:
        KeyReusedError: The key stands for another request.
        InvalidSpecError, SensitiveFieldsError: The request cannot be met; the key stays free.
        QuotaExceededError: Nothing was started, and the key stays free.
        NotStartedError, StorageUnavailableError: As `start_export`.
    """
    job, is_new = await asyncio.to_thread(_find_or_make, services, asking)
    if not is_new:
        return job
    started = await start_export(services, starter, job, asking.actor)
    found = started or await asyncio.to_thread(services.jobs.get, job.tenant, job.code)
    if found is None:
        raise StorageUnavailableError("The export was removed while it was being started.")
    return found


def _find_or_make(services: Services, asking: Asking) -> tuple[Job, bool]:
    """Give the job of a repeated request, or make one that is still to be stored; and say which it is."""
    if known := _find(services, asking):
        return known, False
    spec = pin_spec(services, asking.tenant, asking.request, asking.sensitive)
    try:
        require_quota(services, asking.tenant)
    except QuotaExceededError:
        if known := _find(services, asking):
            return known, False  # this request, sent twice, has taken the last place
        raise
    code, notify = _code(services, asking), asking.request.notify
    return make_job(asking.tenant, spec, code, services.now(), notify), True


def _find(services: Services, asking: Asking) -> Job | None:
    if asking.key is None:
        return None
    record = services.requests.find(asking.tenant, hash_of_key(asking.key))
    return services.jobs.get(asking.tenant, _code_of(record, asking)) if record else None


def _code(services: Services, asking: Asking) -> str:
    """Choose the job's code: of chance, or the one its idempotency key is bound to, now or before."""
    now = services.now()
    code = new_job_code(now)
    if asking.key is None:
        return code
    mine = IdempotencyRecord(asking.tenant, hash_of_key(asking.key), hash_of_body(asking.request), code, now)
    return _code_of(services.requests.claim(mine), asking)


def _code_of(record: IdempotencyRecord, asking: Asking) -> str:
    if record.body_hash != hash_of_body(asking.request):
        raise KeyReusedError("This Idempotency-Key was used with another body; use a new key for a new request.")
    return record.code
