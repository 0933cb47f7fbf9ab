"""Steps: list, look up, create, update and delete the schedules of a tenant, and list their runs.

Every step raises `StorageUnavailableError` when trying again can help.
"""

from __future__ import annotations

from collections.abc import Callable

from exports.errors import ScheduleNotFoundError, TooManySchedulesError
from exports.jobs.audit import AuditAction
from exports.request.body import CsvExportRequestDto
from exports.request.faults import START_OF_SCHEDULE
from exports.request.hidden_urls import reveal_url
from exports.request.spec import InvalidSpecError, SensitiveFields, SensitiveFieldsError
from exports.schedules.audit import schedule_entry
from exports.schedules.body import SaveScheduleDto, content_of
from exports.schedules.schedule import MAX_SCHEDULES, Schedule, new_schedule
from exports.schedules.view import ExportScheduleDto, ScheduleRunDto, show_run, show_schedule
from exports.services import Services
from exports.steps.requests.resolve_spec import resolve_spec
from shared.events import emit
from shared.lists import ListDto, make_list, sort_and_cut
from shared.named_resources import cursor_by_name, is_code

_MAX_JOBS = 1_000
"""The most jobs of listed runs. Usually there are as many as runs. Jobs beyond that are of runs that cannot be read or
do not name their job."""

Check = Callable[[ExportScheduleDto], None]
"""Checks a schedule that is about to change; raises an error to prevent the change. It may run several times."""


def list_schedules(services: Services, tenant: str, limit: int, after: str | None = None) -> ListDto[ExportScheduleDto]:
    """List schedules by name, ignoring case. The list continues after the cursor `after`."""
    return sort_and_cut(map(show_schedule, services.schedules.all(tenant)), _cursor, limit, after)


def find_schedule(services: Services, tenant: str, code: str) -> ExportScheduleDto:
    """Return a schedule.

    Raises:
        ScheduleNotFoundError: The tenant has no schedule with this code.
    """
    return show_schedule(_find(services, tenant, code))


def create_schedule(
    services: Services, tenant: str, request: SaveScheduleDto, actor: str, sensitive: SensitiveFields
) -> ExportScheduleDto:
    """Save a schedule under a new code. It may export the same fields as its creator.

    Raises:
        InvalidSpecError, SensitiveFieldsError: The request is invalid, or this caller may not export its fields.
        TooManySchedulesError: The tenant has `MAX_SCHEDULES`. Requests at the same moment may exceed it by a few.
    """
    _require_valid(services, tenant, request.request, sensitive)
    if services.schedules.count(tenant) >= MAX_SCHEDULES:
        message = f"A tenant may save {MAX_SCHEDULES} schedules; delete one that is no longer used."
        raise TooManySchedulesError(message)
    content = content_of(request, sensitive_fields=sensitive is SensitiveFields.ALLOWED)
    schedule = new_schedule(tenant, content, services.now())
    _audit(services, AuditAction.SCHEDULE_CREATED, actor, schedule)
    services.schedules.create(schedule)
    emit("schedule.created", tenant=tenant, schedule=schedule.code)
    return show_schedule(schedule)


def update_schedule(
    services: Services,
    tenant: str,
    code: str,
    request: SaveScheduleDto,
    actor: str,
    sensitive: SensitiveFields,
    check: Check,
) -> ExportScheduleDto:
    """Replace the content of a schedule, if `check` accepts its state at the moment of writing.

    From then on the schedule may export the same fields as this caller. If the request contains the webhook URL in the
    shortened form that the API shows, the stored URL is kept.

    A change that disables the schedule and leaves its request as it is needs no valid request and changes no rights. So
    a schedule whose request has become invalid can be paused.

    Raises:
        InvalidSpecError, SensitiveFieldsError: As `create_schedule`.
        ScheduleNotFoundError: The tenant has no schedule with this code.
    """
    known = _find(services, tenant, code).content
    wanted = request.model_copy(update={"request": reveal_url(request.request, known.request)})
    if wanted.enabled or wanted.request != known.request:
        _require_valid(services, tenant, wanted.request, sensitive)
        content = content_of(wanted, sensitive_fields=sensitive is SensitiveFields.ALLOWED)
    else:
        content = content_of(wanted, sensitive_fields=known.sensitive_fields)

    def alter(schedule: Schedule) -> Schedule:
        check(show_schedule(schedule))
        changed = schedule.update(content, services.now())
        _audit(services, AuditAction.SCHEDULE_CHANGED, actor, changed)
        return changed

    changed = services.schedules.change(tenant, code, alter)
    emit("schedule.updated", tenant=tenant, schedule=code)
    return show_schedule(changed)


def delete_schedule(services: Services, tenant: str, code: str, actor: str, check: Check) -> None:
    """Delete a schedule and its runs, if `check` accepts its state at the moment of deletion. Its jobs stay.

    Raises:
        ScheduleNotFoundError: The tenant has no schedule with this code.
    """

    def checked(schedule: Schedule) -> None:
        check(show_schedule(schedule))
        _audit(services, AuditAction.SCHEDULE_DELETED, actor, schedule)
        services.runs.forget(schedule.ref)  # before the schedule: without it nobody could repeat the deletion

    ref = _find(services, tenant, code).ref
    services.schedules.delete(tenant, code, checked)
    services.runs.forget(ref)  # those that were recorded meanwhile
    emit("schedule.deleted", tenant=tenant, schedule=code)


def list_runs(
    services: Services, tenant: str, code: str, limit: int, after: str | None = None
) -> ListDto[ScheduleRunDto]:
    """List the runs of a schedule, the newest first. The list continues after the run with the key `after`.

    The jobs of all runs are read together: runs sort as their jobs do. The table looks at all jobs of the tenant
    between them.

    Raises:
        ScheduleNotFoundError: The tenant has no schedule with this code.
    """
    runs = services.runs.list(_find(services, tenant, code).ref, limit + 1, after)
    codes = [run.job_code for run in runs if run.job_code]
    between = (min(codes), max(codes)) if codes else None
    jobs = services.jobs.list(tenant, _MAX_JOBS, schedule_code=code, between=between) if codes else []
    by_code = {job.code: job for job in jobs}
    return make_list(runs, lambda run: run.key, lambda run: show_run(run, by_code.get(run.job_code or "")), limit)


def _find(services: Services, tenant: str, code: str) -> Schedule:
    found = services.schedules.get(tenant, code) if is_code(code) else None
    if found is None:
        raise ScheduleNotFoundError("There is no schedule with this code.")
    return found


def _cursor(schedule: ExportScheduleDto) -> str:
    return cursor_by_name(schedule.name, schedule.code)


def _require_valid(services: Services, tenant: str, request: CsvExportRequestDto, sensitive: SensitiveFields) -> None:
    """Refuse a request with which every run would fail. The faults point to the request inside the body."""
    if request.since is not None:
        raise InvalidSpecError([START_OF_SCHEDULE.at("/request/since")])
    try:
        resolve_spec(services, tenant, request, sensitive)
    except InvalidSpecError as error:
        raise InvalidSpecError([fault.inside("/request") for fault in error.faults]) from None
    except SensitiveFieldsError as error:
        raise SensitiveFieldsError(error.fields, [fault.inside("/request") for fault in error.faults]) from None


def _audit(services: Services, action: AuditAction, actor: str, schedule: Schedule) -> None:
    """Append an audit entry before the change is made, so that no change lacks an entry."""
    services.audit.append(schedule_entry(action, actor, schedule, services.now()))
