"""The contract of `AuditLog`, tested on the fake and on the real adapter."""

from __future__ import annotations

import itertools
import string
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, date, datetime, timedelta, timezone
from random import Random
from typing import Any

import pytest

from exports.adapters.storage.audit import TableAuditLog
from exports.errors import StorageUnavailableError
from exports.jobs.audit import AuditAction, AuditEntry, audit_entry
from exports.ports.audit import AuditConditions, AuditLog, day_of_position
from exports.request.filters import ClientFilter
from shared.storage import StorageAccount
from tests.contract.either_store import memory_or_azurite
from tests.support.builders import NOON, a_job, a_spec
from tests.support.counting import counted_requests
from tests.support.fake_audit import MemoryAuditLog

DAY = NOON.date()
LAST_MOMENT = datetime(2026, 1, 31, 23, 59, 59, 999000, tzinfo=UTC)
MIDNIGHT = datetime(2026, 2, 1, tzinfo=UTC)


log = memory_or_azurite(MemoryAuditLog, TableAuditLog)


def _an_entry(moment: datetime = NOON, tenant: str = "tenant", actor: str = "me") -> AuditEntry:
    return audit_entry(AuditAction.STARTED, actor, a_job(tenant=tenant), moment)


def _entries(log: AuditLog, tenant: str = "tenant", day: date = DAY) -> list[AuditEntry]:
    return list(log.entries(tenant, day))


def test_a_day_without_entries_is_empty(log: AuditLog) -> None:
    assert _entries(log) == []


@pytest.mark.parametrize("action", AuditAction)
def test_an_entry_is_read_back_unchanged(log: AuditLog, action: AuditAction) -> None:
    wanted = ClientFilter(manager_codes=("M1", "ü 🙂"), search="O'Brien")
    job = a_job(tenant="tenant", spec=a_spec(filter=wanted), total_items=2**31 + 5, file_bytes=2**40)
    entry = audit_entry(action, 'key "of" Ä', job, NOON)
    log.append(entry)
    assert _entries(log) == [entry]


def test_entries_are_listed_oldest_first_in_any_order_of_appending(log: AuditLog) -> None:
    moments = [NOON + timedelta(milliseconds=offset) for offset in (5_000, 1, 0, -3_600_000, 999, 10_000)]
    for moment in moments:
        log.append(_an_entry(moment))
    assert [entry.moment for entry in _entries(log)] == sorted(moments)


def test_entries_of_one_millisecond_keep_their_order(log: AuditLog) -> None:
    for microseconds in (7, 3, 5, 0):
        log.append(_an_entry(NOON + timedelta(microseconds=microseconds), actor=str(microseconds)))
    assert [entry.actor for entry in _entries(log)] == ["0", "3", "5", "7"]


def test_entries_of_the_same_moment_are_all_kept(log: AuditLog) -> None:
    entry = _an_entry()
    with ThreadPoolExecutor(8) as pool:
        list(pool.map(log.append, [entry] * 16))
    assert _entries(log) == [entry] * 16


def test_tenants_do_not_see_each_others_entries(log: AuditLog) -> None:
    log.append(_an_entry(tenant="tenant"))
    assert _entries(log, "other") == []
    assert _entries(log, "tenan") == []


def test_a_day_ends_at_midnight_utc(log: AuditLog) -> None:
    log.append(_an_entry(LAST_MOMENT, actor="before"))
    log.append(_an_entry(MIDNIGHT, actor="after"))
    assert [entry.actor for entry in _entries(log)] == ["before"]
    assert [entry.actor for entry in _entries(log, day=MIDNIGHT.date())] == ["after"]


def test_an_entry_belongs_to_its_utc_day_in_any_time_zone(log: AuditLog) -> None:
    in_auckland = MIDNIGHT.astimezone(timezone(timedelta(hours=13))) - timedelta(milliseconds=1)
    assert in_auckland.date() == MIDNIGHT.date()
    log.append(_an_entry(in_auckland))
    assert [entry.moment for entry in _entries(log)] == [in_auckland]


def test_a_filter_of_64_kib_fits(log: AuditLog) -> None:
    letters = Random(1)
    codes = ["".join(letters.choices(string.printable[:94], k=90)) for _ in range(700)]
    job = a_job(tenant="tenant", spec=a_spec(filter=ClientFilter(manager_codes=tuple(codes))))
    entry = audit_entry(AuditAction.STARTED, "me", job, NOON)
    assert len(entry.model_dump_json()) > 64 * 1024
    log.append(entry)
    assert _entries(log) == [entry]


@pytest.mark.thorough
def test_a_busy_day_is_read_completely_in_order_and_with_few_requests(
    log: AuditLog, monkeypatch: pytest.MonkeyPatch
) -> None:
    with ThreadPoolExecutor(8) as pool:
        list(pool.map(log.append, [_an_entry(NOON + timedelta(seconds=second)) for second in range(1_050)]))
    with counted_requests(monkeypatch) as sent:
        moments = [entry.moment for entry in _entries(log)]
    assert len(moments) == 1_050
    assert all(earlier < later for earlier, later in itertools.pairwise(moments))
    assert len(sent) <= 2


def _actors(log: AuditLog, limit: int = 100, after: str | None = None, **wanted: Any) -> list[str]:
    found = log.list("tenant", DAY, limit, after, AuditConditions(**wanted))
    return [logged.entry.actor for logged in found]


def test_a_list_continues_after_any_position(log: AuditLog) -> None:
    for second in (3, 1, 2, 0):
        log.append(_an_entry(NOON + timedelta(seconds=second), actor=str(second)))
    log.append(_an_entry(NOON + timedelta(days=1), actor="next day"))
    log.append(_an_entry(tenant="other", actor="other tenant"))
    positions = [logged.position for logged in log.list("tenant", DAY, 100)]
    assert _actors(log) == ["0", "1", "2", "3"]
    assert [_actors(log, 2, position) for position in positions] == [["1", "2"], ["2", "3"], ["3"], []]
    assert {day_of_position(position) for position in positions} == {DAY}


def test_a_list_has_only_the_wanted_entries(log: AuditLog) -> None:
    wanted = a_job(tenant="tenant", code="9" * 26)
    log.append(audit_entry(AuditAction.STARTED, "me", wanted, NOON))
    log.append(audit_entry(AuditAction.CANCELLED, "o'brien ü", wanted, NOON + timedelta(seconds=1)))
    log.append(audit_entry(AuditAction.RESUMED, "o'brien ü", a_job(tenant="tenant"), NOON + timedelta(seconds=2)))
    assert _actors(log, actions=[AuditAction.STARTED, AuditAction.STARTED]) == ["me"]
    assert _actors(log, actions=[AuditAction.STARTED, AuditAction.RESUMED]) == ["me", "o'brien ü"]
    assert _actors(log, actor="o'brien ü") == ["o'brien ü"] * 2
    assert _actors(log, code=wanted.code) == ["me", "o'brien ü"]
    assert _actors(log, code=wanted.code, actor="o'brien ü", actions=[AuditAction.RESUMED]) == []
    assert _actors(log, actor="' or actor ne '") == []


def test_a_list_of_a_busy_day_needs_one_request(log: AuditLog, monkeypatch: pytest.MonkeyPatch) -> None:
    for second in range(30):
        log.append(_an_entry(NOON + timedelta(seconds=second), actor=str(second)))
    with counted_requests(monkeypatch) as sent:
        assert _actors(log, 26) == [str(second) for second in range(26)]
    assert len(sent) <= 1


def test_the_log_offers_no_way_to_change_or_remove_an_entry() -> None:
    promised = {name for name in vars(AuditLog) if not name.startswith("_")}
    assert promised == {"append", "entries", "list"}
    assert {name for name in dir(TableAuditLog) if not name.startswith("_")} == promised


def test_an_unreachable_log_raises_a_retryable_error(unreachable: StorageAccount) -> None:
    log = TableAuditLog(unreachable)
    with pytest.raises(StorageUnavailableError, match="did not answer"):
        log.append(_an_entry())
    with pytest.raises(StorageUnavailableError, match="did not answer"):
        _entries(log)
    with pytest.raises(StorageUnavailableError, match="did not answer"):
        log.list("tenant", DAY, 1)
