"""Lookups of a process are few, no tenant has all of them, and requests that wait for them are few too."""

from __future__ import annotations

import json
from collections.abc import Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import ExitStack, contextmanager
from threading import Event

import pytest
from sqlalchemy import QueuePool, make_url

from devhost.local.paths import ROOT
from exports.adapters.clients_sql.engines import make_engine
from exports.errors import SourceThrottledError
from exports.request.filter_values import FilterValuesDto
from exports.request.lookups import ESTIMATES_OF_A_PROCESS, LOOKUPS_OF_A_PROCESS, FilterValueCache, LookupRoom
from tests.support.waiting import wait_until

FOUND = FilterValuesDto(truncated=True)


@contextmanager
def held(room: LookupRoom, *tenants: str) -> Iterator[None]:
    with ExitStack() as stack:
        for tenant in tenants:
            stack.enter_context(room.enter(tenant))
        yield


def test_lookups_and_estimates_leave_two_connections_to_each_activity() -> None:
    pool = make_engine(make_url("postgresql://nowhere/clients")).pool
    assert isinstance(pool, QueuePool)
    host = json.loads((ROOT / "host.json").read_text(encoding="utf-8"))
    activities = host["extensions"]["durableTask"]["maxConcurrentActivityFunctions"]
    lookups = LOOKUPS_OF_A_PROCESS + ESTIMATES_OF_A_PROCESS
    assert lookups + 2 * activities <= pool.size() + pool._max_overflow


def test_more_lookups_than_there_is_room_for_are_refused_for_now() -> None:
    room = LookupRoom(wait_seconds=0)
    everybody = held(room, *map(str, range(LOOKUPS_OF_A_PROCESS)))
    with everybody, pytest.raises(SourceThrottledError, match="The service already has 4 previews"):
        room.enter("other").__enter__()
    with held(room, "other"):
        pass


def test_a_tenant_with_many_lookups_leaves_room_for_those_of_others() -> None:
    room = LookupRoom(wait_seconds=0)
    with held(room, "busy", "busy"):
        for _ in range(2):
            with pytest.raises(SourceThrottledError, match="This tenant already has 2 previews"), held(room, "busy"):
                pass
        with held(room, "other", "other"):
            pass
    with held(room, "busy", "busy"):
        pass


def test_a_lookup_gets_the_place_of_one_that_ends_while_it_waits() -> None:
    room, may_end = LookupRoom(most=1, wait_seconds=30), Event()

    def look_up(tenant: str) -> None:
        with room.enter(tenant):
            may_end.wait(30)

    with ThreadPoolExecutor(2) as pool:
        running = [pool.submit(look_up, tenant) for tenant in ("one", "two")]
        may_end.set()
        assert [each.result(30) for each in running] == [None, None]


def test_few_lookups_wait_for_a_place_and_the_others_are_refused_at_once() -> None:
    room, may_end = LookupRoom(wait_seconds=30), Event()

    def look_up() -> None:
        with room.enter("busy"):
            may_end.wait(30)

    with ThreadPoolExecutor(10) as pool:
        lookups = [pool.submit(look_up) for _ in range(10)]
        wait_until(lambda: sum(each.done() for each in lookups) == 6, 10)  # two run, and two wait
        may_end.set()
        assert sum(isinstance(each.exception(30), SourceThrottledError) for each in lookups) == 6


def test_two_requests_of_a_tenant_wait_for_its_lists_and_more_are_refused_at_once() -> None:
    cache, begun, may_end = FilterValueCache(), Event(), Event()

    def find() -> FilterValuesDto:
        begun.set()
        may_end.wait(30)
        return FOUND

    with ThreadPoolExecutor(8) as pool:
        asked: list[Future[FilterValuesDto]] = [pool.submit(cache.get, "busy", 0.0, find)]
        assert begun.wait(10)
        asked += [pool.submit(cache.get, "busy", 0.0, find) for _ in range(7)]
        wait_until(lambda: sum(each.done() for each in asked) == 5, 10)
        assert cache.get("other", 0.0, FilterValuesDto) == FilterValuesDto()
        may_end.set()
        refused = [each for each in asked if each.exception(30) is not None]
        assert [each.result() for each in asked if each not in refused] == [FOUND] * 3
    with pytest.raises(SourceThrottledError, match="already has 2 requests that wait for lists of filters"):
        refused[0].result()
