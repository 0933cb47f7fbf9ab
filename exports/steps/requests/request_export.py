"""Step: from a caller's request to a job, new or the one the same request has led to before."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass

from exports.errors import KeyReusedError, QuotaExceededError, StorageUnavailableError
from exports.jobs.codes import new_job_code
from exports.jobs.job import Job
from exports.ports.orchestrations import OrchestrationStarter
from exports.request.body import CsvExportRequestDto
from exports.request.idempotency import IdempotencyRecord, hash_of_body, hash_of_key
from exports.request.spec import SensitiveFields
from exports.services import Services
from exports.steps.requests.make_job import make_job
from exports.steps.requests.quotas import require_quota
from exports.steps.requests.resolve_spec import resolve_spec
from exports.steps.requests.start_export import start_export


@dataclass(frozen=True, slots=True)
class ExportCommand:
    """Who asks for what; `key` is the idempotency key, if the caller gave one."""

    tenant: str
    actor: str
    request: CsvExportRequestDto
    sensitive: SensitiveFields
    key: str | None = None


async def request_export(services: Services, starter: OrchestrationStarter, command: ExportCommand) -> Job:
    """Start an export, unless the same request with the same idempotency key has its job already: then give that one,
    whatever has become of mappings or quotas since.

    Raises:
        KeyReusedError: The key stands for another request.
        InvalidSpecError, SensitiveFieldsError: The request cannot be met; the key stays free.
        QuotaExceededError: Nothing was started, and the key stays free.
        NotStartedError, StorageUnavailableError: As `start_export`.
    """
    job, is_new = await asyncio.to_thread(_find_or_make, services, command)
    if not is_new:
        return job
    started = await start_export(services, starter, job, command.actor)
    found = started or await asyncio.to_thread(services.jobs.get, job.tenant, job.code)
    if found is None:
        raise StorageUnavailableError("The export was removed while it was being started.")
    return found


def _find_or_make(services: Services, command: ExportCommand) -> tuple[Job, bool]:
    """Give the job of a repeated request, or make one that is still to be stored; and say which it is."""
    if known := _find(services, command):
        return known, False
    spec = resolve_spec(services, command.tenant, command.request, command.sensitive)
    try:
        require_quota(services, command.tenant)
    except QuotaExceededError:
        if known := _find(services, command):
            return known, False  # this request, sent twice, has taken the last place
        raise
    code, notify = _code(services, command), command.request.notify
    return make_job(command.tenant, spec, code, services.now(), notify), True


def _find(services: Services, command: ExportCommand) -> Job | None:
    if command.key is None:
        return None
    record = services.requests.find(command.tenant, hash_of_key(command.key))
    return services.jobs.get(command.tenant, _code_of(record, command)) if record else None


def _code(services: Services, command: ExportCommand) -> str:
    """Choose the job's code: of chance, or the one its idempotency key is bound to, now or before."""
    now = services.now()
    code = new_job_code(now)
    if command.key is None:
        return code
    mine = IdempotencyRecord(command.tenant, hash_of_key(command.key), hash_of_body(command.request), code, now)
    return _code_of(services.requests.claim(mine), command)


def _code_of(record: IdempotencyRecord, command: ExportCommand) -> str:
    if record.body_hash != hash_of_body(command.request):
        raise KeyReusedError("This Idempotency-Key was used with another body; use a new key for a new request.")
    return record.code
