"""The count of kept clients is asked for once for each state of a job, and again after a while."""

from __future__ import annotations

import pytest

from exports.jobs import kept_items
from exports.jobs.kept_items import KeptItemsCache
from tests.support.builders import a_job


def test_a_count_is_asked_for_once_for_each_state_of_a_job() -> None:
    cache, job, asked = KeptItemsCache(), a_job(version="1"), iter(range(10))
    other = a_job(version="1")
    changed = a_job(tenant=job.tenant, code=job.code, version="2")
    assert [cache.get(each, 9, lambda: next(asked)) for each in (job, job, other, changed, job)] == [0, 0, 1, 2, 0]


def test_a_count_is_asked_for_again_when_more_clients_are_written() -> None:
    cache, job, asked = KeptItemsCache(), a_job(version="1"), iter(range(10))
    assert [cache.get(job, processed, lambda: next(asked)) for processed in (4, 4, 6, 6)] == [0, 0, 1, 1]


def test_an_error_is_not_kept() -> None:
    cache, job = KeptItemsCache(), a_job(version="1")
    with pytest.raises(ZeroDivisionError):
        cache.get(job, 9, lambda: 1 // 0)
    assert cache.get(job, 9, lambda: 5) == 5


def test_a_count_is_asked_for_again_after_a_while(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(kept_items, "KEEP_SECONDS", 0.0)
    cache, job, asked = KeptItemsCache(), a_job(version="1"), iter(range(10))
    assert [cache.get(job, 9, lambda: next(asked)) for _ in range(3)] == [0, 1, 2]
