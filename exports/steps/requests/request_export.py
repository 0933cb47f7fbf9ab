"""Step: start the export that a caller requests, or find the job of a repeated request."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass, replace

from exports.errors import KeyReusedError, QuotaExceededError, StorageUnavailableError
from exports.jobs.codes import new_job_code
from exports.jobs.job import Job
from exports.ports.orchestrations import OrchestrationStarter
from exports.request.body import CsvExportRequestDto
from exports.request.idempotency import IdempotencyRecord, hash_of_body, hash_of_key
from exports.request.spec import SensitiveFields
from exports.services import Services
from exports.steps.mappings.save_mappings import mapping_name_of
from exports.steps.requests.changes_since import absent_for_base
from exports.steps.requests.make_job import make_job
from exports.steps.requests.quotas import require_room
from exports.steps.requests.resolve_spec import resolve_spec
from exports.steps.requests.start_export import start_export


@dataclass(frozen=True, slots=True)
class ExportCommand:
    """A request for an export, and who sent it.

    Attributes:
        key: The idempotency key, if the caller sent one.
        created_by: The name of the caller for people.
    """

    tenant: str
    actor: str
    request: CsvExportRequestDto
    sensitive: SensitiveFields
    key: str | None = None
    created_by: str | None = None


async def request_export(services: Services, starter: OrchestrationStarter, command: ExportCommand) -> Job:
    """Start an export and return its job. Return the existing job if the request repeats an idempotency key.

    A repeated request gets its job even if the mapping has changed or the quota is used up since.

    Raises:
        KeyReusedError: The key was used with another body.
        InvalidSpecError, SensitiveFieldsError: The request is refused; the key can be used again.
        QuotaExceededError: Nothing was started; the key can be used again.
        NotStartedError, StorageUnavailableError: As `start_export`.
    """
    job, is_new = await asyncio.to_thread(_find_or_make, services, command)
    if not is_new:
        return job
    try:
        started = await start_export(services, starter, job, command.actor)
    except QuotaExceededError:
        if found := await asyncio.to_thread(_find, services, command):
            return found  # the same request, sent twice, has used the last of the quota
        raise
    found = started or await asyncio.to_thread(services.jobs.get, job.tenant, job.code)
    if found is None:
        raise StorageUnavailableError("The export was removed while it was being started.")
    return found


def _find_or_make(services: Services, command: ExportCommand) -> tuple[Job, bool]:
    """Return the job of a repeated request, or a new job that is not stored yet; and whether the job is new."""
    if known := _find(services, command):
        return known, False
    spec = resolve_spec(services, command.tenant, command.request, command.sensitive)
    try:
        require_room(services, command.tenant)
    except QuotaExceededError:
        if known := _find(services, command):
            return known, False  # the same request, sent twice, has used the last of the quota
        raise
    code, notify = _code(services, command), command.request.notify
    job = make_job(command.tenant, spec, code, services.now(), notify)
    name = mapping_name_of(services, command.tenant, command.request.mapping_code)
    absent = absent_for_base(services, command.tenant, spec)
    return replace(job, created_by=command.created_by, mapping_name=name, base_absent_columns=absent), True


def _find(services: Services, command: ExportCommand) -> Job | None:
    if command.key is None:
        return None
    record = services.requests.find(command.tenant, hash_of_key(command.key))
    return services.jobs.get(command.tenant, _code_of(record, command)) if record else None


def _code(services: Services, command: ExportCommand) -> str:
    """Return the job's code: the one bound to the idempotency key, or a new one. Bind an unbound key to it."""
    now = services.now()
    code = new_job_code(now)
    if command.key is None:
        return code
    record = IdempotencyRecord(command.tenant, hash_of_key(command.key), hash_of_body(command.request), code, now)
    return _code_of(services.requests.claim(record), command)


def _code_of(record: IdempotencyRecord, command: ExportCommand) -> str:
    if record.body_hash != hash_of_body(command.request):
        raise KeyReusedError("This Idempotency-Key was used with another body; use a new key for a new request.")
    return record.code
