"""Steps: list, look up, create, update and delete the schedules of a tenant, and show what became of their slots.

Every step raises `StorageUnavailableError` when trying again can help.
"""

from __future__ import annotations

import logging
from collections.abc import Callable

from exports.errors import ScheduleNotFoundError, TooManySchedulesError
from exports.jobs.audit import AuditAction
from exports.request.body import CsvExportRequestDto
from exports.request.hidden_urls import has_hidden_url, reveal_url
from exports.request.spec import InvalidSpecError, SensitiveFields, SensitiveFieldsError
from exports.schedules.audit import schedule_entry
from exports.schedules.body import SaveScheduleDto, content_of
from exports.schedules.schedule import MAX_SCHEDULES, Schedule, new_schedule
from exports.schedules.view import ExportScheduleDto, ScheduleRunDto, show_run, show_schedule
from exports.services import Services
from exports.steps.requests.resolve_spec import resolve_spec
from shared.lists import ListDto, make_list, sort_and_cut
from shared.named_resources import cursor_by_name, is_code
from shared.problems import Fault

Check = Callable[[ExportScheduleDto], None]
"""Looks at a schedule that is about to change, and raises to leave it alone; may run several times."""

_log = logging.getLogger(__name__)


def list_schedules(services: Services, tenant: str, limit: int, after: str | None = None) -> ListDto[ExportScheduleDto]:
    """List schedules by name, letter case ignored, going on after a position."""
    return sort_and_cut(map(show_schedule, services.schedules.all(tenant)), _cursor, limit, after)


def find_schedule(services: Services, tenant: str, code: str) -> ExportScheduleDto:
    """Look a schedule up.

    Raises:
        ScheduleNotFoundError: There is none, or it is another tenant's.
    """
    return show_schedule(_find(services, tenant, code))


def create_schedule(
    services: Services, tenant: str, request: SaveScheduleDto, actor: str, sensitive: SensitiveFields
) -> ExportScheduleDto:
    """Save a schedule under a new code; it may export what its creator may, and no more.

    Raises:
        InvalidSpecError, SensitiveFieldsError: What it shall export cannot be, or not for this caller.
        TooManySchedulesError: The tenant has `MAX_SCHEDULES`. Requests at the same moment may exceed it by a few.
    """
    _require_possible(services, tenant, request.request, sensitive)
    if services.schedules.count(tenant) >= MAX_SCHEDULES:
        message = f"A tenant may save {MAX_SCHEDULES} schedules; delete one that is no longer used."
        raise TooManySchedulesError(message)
    content = content_of(request, sensitive_fields=sensitive is SensitiveFields.ALLOWED)
    schedule = new_schedule(tenant, content, services.now())
    _note(services, AuditAction.SCHEDULE_CREATED, actor, schedule)
    services.schedules.create(schedule)
    _log.info("event=schedule.created tenant=%s code=%s", tenant, schedule.code)
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
    """Replace what a schedule says, if `check` lets it pass as it is at the moment of writing.

    From then on it may export what this caller may. A URL of which it holds only what was shown stays as it is.

    Raises:
        InvalidSpecError, SensitiveFieldsError: As `create_schedule`.
        ScheduleNotFoundError: There is none, or it is another tenant's.
    """
    known = _find(services, tenant, code).content.request
    wanted = request.model_copy(update={"request": reveal_url(request.request, known)})
    _require_possible(services, tenant, wanted.request, sensitive)
    content = content_of(wanted, sensitive_fields=sensitive is SensitiveFields.ALLOWED)

    def alter(schedule: Schedule) -> Schedule:
        check(show_schedule(schedule))
        changed = schedule.update(content, services.now())
        _note(services, AuditAction.SCHEDULE_CHANGED, actor, changed)
        return changed

    changed = services.schedules.change(tenant, code, alter)
    _log.info("event=schedule.updated tenant=%s code=%s", tenant, code)
    return show_schedule(changed)


def delete_schedule(services: Services, tenant: str, code: str, actor: str, check: Check) -> None:
    """Delete a schedule and its runs, if `check` lets it pass as it is at the moment of deletion; its jobs stay.

    Raises:
        ScheduleNotFoundError: There is none, or it is another tenant's.
    """

    def checked(schedule: Schedule) -> None:
        check(show_schedule(schedule))
        _note(services, AuditAction.SCHEDULE_DELETED, actor, schedule)

    ref = _find(services, tenant, code).ref
    services.schedules.delete(tenant, code, checked)
    services.runs.forget(ref)
    _log.info("event=schedule.deleted tenant=%s code=%s", tenant, code)


def list_runs(
    services: Services, tenant: str, code: str, limit: int, after: str | None = None
) -> ListDto[ScheduleRunDto]:
    """List what became of a schedule's slots, the newest first, going on after a key.

    Raises:
        ScheduleNotFoundError: There is none, or it is another tenant's.
    """
    runs = services.runs.list(_find(services, tenant, code).ref, limit + 1, after)
    return make_list(runs, lambda run: run.key, show_run, limit)


def _find(services: Services, tenant: str, code: str) -> Schedule:
    found = services.schedules.get(tenant, code) if is_code(code) else None
    if found is None:
        raise ScheduleNotFoundError("There is no schedule with this code.")
    return found


def _cursor(schedule: ExportScheduleDto) -> str:
    return cursor_by_name(schedule.name, schedule.code)


def _require_possible(
    services: Services, tenant: str, request: CsvExportRequestDto, sensitive: SensitiveFields
) -> None:
    """Find now what would let every run fail; the faults point into the body, where the request is inside."""
    if has_hidden_url(request):
        detail = "This is what is shown in place of the whole URL; give that."
        raise InvalidSpecError([Fault(pointer="/request/notify/webhookUrl", detail=detail)])
    try:
        resolve_spec(services, tenant, request, sensitive)
    except InvalidSpecError as error:
        raise InvalidSpecError([_inside(fault) for fault in error.faults]) from None
    except SensitiveFieldsError as error:
        raise SensitiveFieldsError(error.fields, [_inside(fault) for fault in error.faults]) from None


def _inside(fault: Fault) -> Fault:
    return Fault(pointer=f"/request{fault.pointer}", detail=fault.detail)


def _note(services: Services, action: AuditAction, actor: str, schedule: Schedule) -> None:
    """Write down what is about to be done, so that nothing is done that is not written down."""
    services.audit.append(schedule_entry(action, actor, schedule, services.now()))
