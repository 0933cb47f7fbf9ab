"""An estimate learns how fast exports are from the tenant's recent ones that are like it."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest

from exports.errors import StorageUnavailableError
from exports.jobs.codes import new_job_code
from exports.jobs.states import JobStatus
from exports.request.columns import ALL_COLUMNS
from exports.request.consistency import Consistency
from exports.request.filters import ClientFilter
from exports.request.formats import FormatDto
from exports.steps.requests.estimate_export import estimate_export
from exports.steps.requests.recent_rate import MAX_JOBS_READ, recent_rate
from tests.support.builders import NOON
from tests.support.fakes import MemoryServices, a_services
from tests.support.steps import TENANT, a_stored_job, some_clients, two_columns

FIXED = 0.3
CLIENTS = 5_000


def _completed(services: MemoryServices, rows: int = 10_000, seconds: float = 10, age: int = 0, **changes: Any) -> None:
    """Store a job that has written so many rows in so many seconds beside its fixed time."""
    created = NOON - timedelta(seconds=age)
    ended = created + timedelta(seconds=seconds + FIXED)
    values = {
        "status": JobStatus.COMPLETED,
        "settled_items": rows,
        "total_items": rows,
        "started_date": created,
        "completed_date": ended,
    }
    a_stored_job(services, code=new_job_code(created), created_date=created, **{**values, **changes})


def _seconds(services: MemoryServices, **changes: Any) -> tuple[float, int]:
    found = estimate_export(services, TENANT, two_columns(**changes))
    return found.seconds, found.recent_jobs


@pytest.fixture
def services() -> MemoryServices:
    return a_services(some_clients(CLIENTS))


def test_without_recent_jobs_the_configured_rate_decides(services: MemoryServices) -> None:
    seconds, jobs = _seconds(services)
    assert seconds == pytest.approx(FIXED, abs=0.1)
    assert jobs == 0


def test_a_job_that_ended_before_it_began_by_two_clocks_tells_nothing(services: MemoryServices) -> None:
    _completed(services, seconds=-60)
    assert _seconds(services)[1] == 0


def test_the_duration_follows_from_recent_jobs_of_the_tenant(services: MemoryServices) -> None:
    _completed(services, rows=10_000, seconds=10)
    _completed(services, rows=30_000, seconds=10, age=60)
    assert _seconds(services) == (round(FIXED + CLIENTS / 2_000, 1), 2)


@pytest.mark.parametrize(
    "changes",
    [
        {"tenant": "other"},
        {"status": JobStatus.FAILED},
        {"status": JobStatus.CANCELLED},
        {"attempt": 2},
        {"completed_date": None},
        {"settled_items": 999},
        {"settled_items": CLIENTS // 10 - 1},
        {"spec": two_columns(columns=ALL_COLUMNS)},
        {"spec": two_columns(filter=ClientFilter(search="x"))},
        {"spec": two_columns(consistency=Consistency.SNAPSHOT)},
        {"spec": two_columns(format=FormatDto.model_validate({"preset": "xlsx"}).resolve())},
        {"spec": two_columns(format=FormatDto.model_validate({"compression": "gzip"}).resolve())},
    ],
    ids=str,
)
def test_a_job_that_tells_nothing_of_the_export_does_not_count(
    services: MemoryServices, changes: dict[str, Any]
) -> None:
    _completed(services, **changes)
    assert _seconds(services)[1] == 0


def test_columns_need_only_be_similar_and_headers_do_not_matter(services: MemoryServices) -> None:
    ten, nine = ALL_COLUMNS[:10], ALL_COLUMNS[1:10]
    renamed = tuple(column.model_copy(update={"csv_header": f"{column.csv_header}!"}) for column in ten)
    _completed(services, spec=two_columns(columns=renamed))
    assert _seconds(services, columns=nine)[1] == 1
    assert _seconds(services, columns=ALL_COLUMNS[5:15])[1] == 0


def test_a_filter_of_the_same_kind_counts_whatever_it_looks_for(services: MemoryServices) -> None:
    _completed(services, spec=two_columns(filter=ClientFilter(search="one")))
    assert _seconds(services, filter=ClientFilter(search="Client"))[1] == 1


def test_only_the_newest_jobs_are_read_and_five_of_them_count(services: MemoryServices) -> None:
    for age in range(1, 8):
        _completed(services, seconds=1 if age <= 5 else 1_000, age=age)
    rate = recent_rate(services, TENANT, two_columns(), CLIENTS, FIXED)
    assert rate is not None
    assert rate.rows_per_second == pytest.approx(10_000)
    assert rate.jobs == 5
    for number in range(MAX_JOBS_READ):
        a_stored_job(services, code=new_job_code(NOON + timedelta(seconds=number)))
    assert recent_rate(services, TENANT, two_columns(), CLIENTS, FIXED) is None


def test_a_job_that_took_no_time_gives_a_rate_all_the_same(services: MemoryServices) -> None:
    _completed(services, seconds=-FIXED)
    assert _seconds(services)[0] < 1


def test_an_estimate_without_storage_uses_the_configured_rate(
    services: MemoryServices, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(*_: Any, **__: Any) -> Any:
        raise StorageUnavailableError("Table Storage did not answer.")

    _completed(services)
    monkeypatch.setattr(services.jobs, "list", fail)
    assert _seconds(services)[1] == 0


def test_a_rate_is_the_sum_of_rows_by_the_sum_of_seconds(services: MemoryServices) -> None:
    _completed(services, rows=90_000, seconds=9)
    _completed(services, rows=10_000, seconds=41, age=1)
    rate = recent_rate(services, TENANT, two_columns(), 10_000, FIXED)
    assert rate is not None
    assert rate.rows_per_second == pytest.approx(2_000)
