"""Saving schedules: a sorted list, a limited number, checks on saving, and changes that never overwrite others."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest

from exports.errors import ScheduleNotFoundError, StorageUnavailableError, TooManySchedulesError
from exports.jobs.audit import AuditAction
from exports.request.body import NotifyDto
from exports.request.spec import InvalidSpecError, SensitiveFields, SensitiveFieldsError
from exports.schedules.body import SaveScheduleDto
from exports.schedules.runs import RunOutcome, ScheduleRun
from exports.schedules.schedule import MAX_SCHEDULES, ScheduleRef
from exports.schedules.view import ExportScheduleDto
from exports.steps.schedules import save_schedules as steps
from shared.lists import decode_token
from tests.support.builders import NOON, a_mapping, a_schedule
from tests.support.fake_webhooks import MemoryMailSender
from tests.support.fakes import MemoryServices, a_services
from tests.support.steps import a_stored_job

TENANT = "tenant"
REFUSED, ALLOWED = SensitiveFields.REFUSED, SensitiveFields.ALLOWED
NI_NUMBER = {"columnMappings": [{"csvHeader": "NI", "targetField": "NiNumber"}]}


def body(name: str = "Daily", **changes: Any) -> SaveScheduleDto:
    return SaveScheduleDto.model_validate({"name": name, "cron": "30 13 * * *"} | changes)


def create(
    services: MemoryServices, name: str = "Daily", sensitive: SensitiveFields = REFUSED, **changes: Any
) -> ExportScheduleDto:
    return steps.create_schedule(services, TENANT, body(name, **changes), "me", sensitive)


def update(services: MemoryServices, code: str, sensitive: SensitiveFields = REFUSED, **changes: Any) -> None:
    steps.update_schedule(services, TENANT, code, body(**changes), "me", sensitive, allow_all)


def allow_all(_: ExportScheduleDto) -> None:
    """Check a precondition that every schedule fulfils."""


def test_schedules_are_listed_by_name_and_continued_by_a_token() -> None:
    services = a_services()
    for name in ("beta", "Alpha", "gamma"):
        create(services, name)
    first = steps.list_schedules(services, TENANT, 2)
    assert [item.name for item in first.data] == ["Alpha", "beta"]
    rest = steps.list_schedules(services, TENANT, 2, decode_token(first.continuation_token or ""))
    assert ([item.name for item in rest.data], rest.has_more) == (["gamma"], False)


def test_the_number_of_schedules_of_a_tenant_is_limited() -> None:
    services = a_services()
    for number in range(MAX_SCHEDULES):
        services.schedules.create(a_schedule(tenant=TENANT, code=f"{number:020x}"))
    with pytest.raises(TooManySchedulesError, match="100"):
        create(services)
    steps.delete_schedule(services, TENANT, f"{0:020x}", "me", allow_all)
    assert create(services).name == "Daily"


def test_a_request_that_no_run_could_export_is_refused_and_not_saved() -> None:
    services = a_services()
    column = {"csvHeader": "Client", "targetField": "Name"}
    for request, pointer in (
        ({"mappingCode": "f" * 20}, "/request/mappingCode"),
        ({"columnMappings": [column, {**column, "targetField": "Code"}]}, "/request/columnMappings/1/csvHeader"),
    ):
        with pytest.raises(InvalidSpecError) as raised:
            create(services, request=request)
        assert [fault.pointer for fault in raised.value.faults] == [pointer]
    with pytest.raises(SensitiveFieldsError) as refused:
        create(services, request=NI_NUMBER)
    assert [fault.pointer for fault in refused.value.faults] == ["/request/columnMappings/0/targetField"]
    assert services.schedules.count(TENANT) == 0
    assert services.audit.all == []


def test_a_schedule_has_the_sensitive_field_rights_of_its_last_author() -> None:
    services = a_services()
    code = create(services, sensitive=ALLOWED, request=NI_NUMBER).code
    with pytest.raises(SensitiveFieldsError):
        update(services, code, REFUSED, request=NI_NUMBER)
    update(services, code, REFUSED)
    (schedule,) = services.schedules.all(TENANT)
    assert not schedule.content.sensitive_fields
    update(services, code, ALLOWED)
    (schedule,) = services.schedules.all(TENANT)
    assert schedule.content.sensitive_fields


def test_a_schedule_whose_request_has_become_invalid_can_be_paused() -> None:
    services = replace(a_services(EXPORT_WEBHOOK_SECRET="s" * 32), mail=MemoryMailSender())
    mapping = a_mapping(tenant=TENANT)
    services.mappings.create(mapping)
    filters = {"updatedSince": "2026-01-01T00:00:00.123Z", "statuses": ["Active"]}
    notify = {"webhookUrl": "https://hooks.example.com/secret", "email": ["a@example.com"]}
    code = create(services, request={"mappingCode": mapping.code, "filter": filters, "notify": notify}).code
    services.mappings.delete(TENANT, mapping.code, lambda _: None)
    services = replace(services, mail=None)

    pause(services, code)

    (paused,) = services.schedules.all(TENANT)
    assert (paused.content.enabled, paused.state.next_slot) == (False, None)
    shown = steps.find_schedule(services, TENANT, code).request.model_dump(mode="json", by_alias=True)
    for changes in ({"request": shown}, {"request": {"mappingCode": "f" * 20}, "enabled": False}):
        with pytest.raises(InvalidSpecError):
            update(services, code, **changes)


def test_pausing_a_schedule_does_not_change_which_fields_it_may_export() -> None:
    services = a_services()
    for request in ({}, NI_NUMBER):
        code = create(services, sensitive=ALLOWED, request=request).code
        pause(services, code)
        paused = services.schedules.get(TENANT, code)
        assert paused is not None
        assert (paused.content.enabled, paused.content.sensitive_fields) == (False, True)
    with pytest.raises(SensitiveFieldsError):
        update(services, code, REFUSED, request=NI_NUMBER)


def pause(services: MemoryServices, code: str) -> None:
    """Pause a schedule as the page does: send back what is shown, as a caller without sensitive fields."""
    shown = steps.find_schedule(services, TENANT, code).model_dump(mode="json", by_alias=True)
    sent = {name: shown[name] for name in ("name", "cron", "timeZone", "request", "overlap", "incremental")}
    update(services, code, REFUSED, **sent, enabled=False)


@pytest.mark.parametrize("code", ["0" * 20, "nope", "", "%00"])
def test_an_unknown_schedule_is_not_found(code: str) -> None:
    services = a_services()
    with pytest.raises(ScheduleNotFoundError):
        steps.find_schedule(services, TENANT, code)
    with pytest.raises(ScheduleNotFoundError):
        update(services, code, request={"mappingCode": "x"})
    with pytest.raises(ScheduleNotFoundError):
        steps.delete_schedule(services, TENANT, code, "me", allow_all)
    with pytest.raises(ScheduleNotFoundError):
        steps.list_runs(services, TENANT, code, 10)


def test_a_precondition_checks_the_schedule_as_it_is_when_written() -> None:
    services = a_services()
    code = create(services, "first").code
    seen: list[str] = []

    def overtake() -> None:
        services.schedules.before_write = lambda: None
        update(services, code, name="second")

    services.schedules.before_write = overtake
    last = steps.update_schedule(
        services, TENANT, code, body("third"), "me", REFUSED, lambda shown: seen.append(shown.name)
    )
    assert seen == ["first", "second"]
    assert steps.find_schedule(services, TENANT, code) == last


def test_the_host_of_the_longest_possible_webhook_url_is_shown() -> None:
    services = a_services(EXPORT_WEBHOOK_SECRET="s" * 32)
    host = f"https://{'.'.join(['a' * 63] * 3 + ['b' * 61])}:65535"
    code = create(services, request=notifying(host + "/" * (2000 - len(host)))).code
    assert url_of(steps.find_schedule(services, TENANT, code)) == f"{host}/***"


def test_a_webhook_url_is_shown_masked_and_the_masked_form_keeps_it_on_update() -> None:
    services = a_services(EXPORT_WEBHOOK_SECRET="s" * 32)
    whole, shown = "https://hooks.example.com:8443/a/b?key=secret", "https://hooks.example.com:8443/***"
    code = create(services, request=notifying(whole)).code
    assert url_of(steps.find_schedule(services, TENANT, code)) == shown
    (listed,) = steps.list_schedules(services, TENANT, 10).data
    assert url_of(listed) == shown

    update(services, code, request=notifying(shown))
    (kept,) = services.schedules.all(TENANT)
    assert kept.content.request.notify is not None
    assert kept.content.request.notify.webhook_url == whole

    with pytest.raises(InvalidSpecError) as raised:
        update(services, code, request=notifying("https://other.example.com/***"))
    assert [fault.pointer for fault in raised.value.faults] == ["/request/notify/webhookUrl"]
    with pytest.raises(InvalidSpecError, match="1 fault"):
        create(services, request=notifying(shown))


def notifying(url: str) -> dict[str, Any]:
    return {"notify": {"webhookUrl": url}}


def url_of(shown: ExportScheduleDto) -> str:
    assert shown.request.notify is not None
    return shown.request.notify.webhook_url


def test_addresses_are_shown_whole_and_can_be_changed_beside_a_masked_url() -> None:
    services = replace(a_services(EXPORT_WEBHOOK_SECRET="s" * 32), mail=MemoryMailSender())
    whole, shown = "https://hooks.example.com/secret", "https://hooks.example.com/***"
    notify = {"webhookUrl": whole, "email": ["a@example.com"]}
    code = create(services, request={"notify": notify}).code

    found = steps.find_schedule(services, TENANT, code).request.notify
    assert found is not None
    assert (found.webhook_url, found.email) == (shown, ("a@example.com",))
    update(services, code, request={"notify": {"webhookUrl": shown, "email": ["b@example.com"]}})
    (kept,) = services.schedules.all(TENANT)
    assert kept.content.request.notify == NotifyDto(webhook_url=whole, email=("b@example.com",))


def test_every_change_is_in_the_audit_log() -> None:
    services = a_services()
    code = create(services, request={"filter": {"search": "Smith"}} | NI_NUMBER, sensitive=ALLOWED).code
    update(services, code)
    steps.delete_schedule(services, TENANT, code, "me", allow_all)
    assert [(entry.action, entry.code, entry.actor) for entry in services.audit.all] == [
        (action, code, "me")
        for action in (AuditAction.SCHEDULE_CREATED, AuditAction.SCHEDULE_CHANGED, AuditAction.SCHEDULE_DELETED)
    ]
    first = services.audit.all[0]
    assert (first.fields, first.filter) == (("NiNumber",), {"search": "(given)"})


def test_no_change_is_made_if_the_audit_log_cannot_be_written() -> None:
    services = a_services()
    code = create(services).code

    def fail() -> None:
        raise StorageUnavailableError("no")

    services.audit.before_append = fail
    for change in (
        lambda: create(services, "second"),
        lambda: update(services, code, name="changed"),
        lambda: steps.delete_schedule(services, TENANT, code, "me", allow_all),
    ):
        with pytest.raises(StorageUnavailableError):
            change()
    assert [schedule.content.name for schedule in services.schedules.all(TENANT)] == ["Daily"]


def test_a_run_shows_the_status_that_its_export_has_now() -> None:
    services = a_services()
    code = create(services).code
    job = a_stored_job(services, tenant=TENANT, schedule_code=code)
    for hours, job_code in enumerate((job.code, "0" * 26, None)):
        slot = NOON + timedelta(hours=hours)
        run = ScheduleRun(TENANT, code, f"key{hours}", slot, RunOutcome.STARTED, NOON, job_code=job_code)
        services.runs.record(run)

    def statuses() -> list[str | None]:
        return [run.job_status for run in steps.list_runs(services, TENANT, code, 10).data]

    assert sorted(map(str, statuses())) == ["None", "None", "Queued"]
    services.jobs.change(TENANT, job.code, lambda job: job.cancel(services.now()))
    assert sorted(map(str, statuses())) == ["Cancelled", "None", "None"]


def test_jobs_whose_runs_do_not_name_them_hide_no_status_of_other_runs() -> None:
    services = a_services()
    code = create(services).code
    jobs = [a_stored_job(services, tenant=TENANT, schedule_code=code, code=f"{number:026}") for number in range(5)]
    for hours, job in ((0, jobs[0]), (9, jobs[-1])):
        slot = NOON + timedelta(hours=hours)
        services.runs.record(ScheduleRun(TENANT, code, job.code, slot, RunOutcome.STARTED, NOON, job_code=job.code))
    assert [run.job_status for run in steps.list_runs(services, TENANT, code, 10).data] == ["Queued", "Queued"]


@pytest.mark.parametrize(("store", "method"), [("runs", "forget"), ("schedules", "before_write")])
def test_an_interrupted_deletion_of_a_schedule_can_be_repeated_and_leaves_no_runs(
    monkeypatch: pytest.MonkeyPatch, store: str, method: str
) -> None:
    services = a_services()
    code = create(services).code
    services.runs.record(ScheduleRun(TENANT, code, "A", NOON, RunOutcome.SKIPPED, NOON, "why"))
    with monkeypatch.context() as broken:
        broken.setattr(getattr(services, store), method, _interrupt)
        with pytest.raises(StorageUnavailableError):
            steps.delete_schedule(services, TENANT, code, "me", allow_all)

    steps.delete_schedule(services, TENANT, code, "me", allow_all)

    assert services.schedules.get(TENANT, code) is None
    assert services.runs.list(ScheduleRef(TENANT, code), 10) == []


def test_a_schedule_that_is_deleted_has_no_runs_even_if_nothing_follows(monkeypatch: pytest.MonkeyPatch) -> None:
    services = a_services()
    code = create(services).code
    services.runs.record(ScheduleRun(TENANT, code, "A", NOON, RunOutcome.SKIPPED, NOON, "why"))
    delete = services.schedules.delete

    def delete_and_die(*arguments: Any) -> None:
        delete(*arguments)
        _interrupt()

    monkeypatch.setattr(services.schedules, "delete", delete_and_die)
    with pytest.raises(StorageUnavailableError):
        steps.delete_schedule(services, TENANT, code, "me", allow_all)

    assert services.runs.list(ScheduleRef(TENANT, code), 10) == []


def _interrupt(*_: object) -> None:
    raise StorageUnavailableError("Table Storage did not answer.")


def test_runs_are_listed_by_cursor_and_deleted_with_their_schedule() -> None:
    services = a_services()
    code = create(services).code
    ref = ScheduleRef(TENANT, code)
    (schedule,) = services.schedules.all(TENANT)
    for hours in range(3):
        slot = NOON + timedelta(hours=hours)
        services.runs.record(ScheduleRun(TENANT, code, schedule.job_code(slot), slot, RunOutcome.SKIPPED, NOON, "why"))
    first = steps.list_runs(services, TENANT, code, 2)
    rest = steps.list_runs(services, TENANT, code, 2, decode_token(first.continuation_token or ""))
    assert [run.slot_date.hour for run in (*first.data, *rest.data)] == [14, 13, 12]
    assert (first.has_more, rest.has_more) == (True, False)
    steps.delete_schedule(services, TENANT, code, "me", allow_all)
    assert services.runs.list(ref, 10) == []
