"""The values of filters are found once a minute for each tenant."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from threading import Barrier, Event

import pytest

from exports.errors import SourceThrottledError, SourceUnavailableError
from exports.request.filter_values import FilterValueDto, FilterValuesDto
from exports.request.lookups import FilterValueCache
from exports.steps.requests.list_filter_values import list_filter_values
from tests.support.fakes import a_services
from tests.support.hooks import do_nothing
from tests.support.steps import TENANT, some_clients


def test_the_values_are_those_of_the_clients_of_the_tenant() -> None:
    clients = [client | {"manager_code": "M1", "manager": "Ann"} for client in some_clients(3)]
    others = [client | {"manager_code": "M2"} for client in some_clients(1, tenant="other")]
    found = list_filter_values(a_services([*clients, *others]), TENANT)
    assert found == FilterValuesDto(managers=(FilterValueDto(code="M1", name="Ann"),))


@pytest.mark.parametrize("seconds_set", [0, 100, -40], ids=["", "set forward", "set back"])
def test_the_values_are_kept_for_a_minute_for_each_tenant(seconds_set: float) -> None:
    services = a_services(some_clients(1))
    for seconds, lookups in ((0, 1), (59, 1), (2, 2)):
        services.now.advance(seconds=seconds)
        services.now.set_forward(seconds=seconds_set)
        list_filter_values(services, TENANT)
        assert services.clients.value_lookups == lookups
    list_filter_values(services, "other")
    assert services.clients.value_lookups == 3


def test_requests_at_the_same_time_look_up_once() -> None:
    cache, began, lookups = FilterValueCache(), Barrier(3), list[int]()

    def find() -> FilterValuesDto:
        lookups.append(1)
        return FilterValuesDto(truncated=True)

    def ask() -> FilterValuesDto:
        began.wait(10)
        return cache.get(TENANT, 0.0, find)

    with ThreadPoolExecutor(3) as pool:
        found = [future.result() for future in [pool.submit(ask) for _ in range(3)]]
    assert found == [FilterValuesDto(truncated=True)] * 3
    assert lookups == [1]


def test_a_request_waits_only_so_long_for_the_lookup_of_another() -> None:
    cache, begun, may_end = FilterValueCache(longest_wait_seconds=0), Event(), Event()

    def find() -> FilterValuesDto:
        begun.set()
        may_end.wait(10)
        return FilterValuesDto()

    with ThreadPoolExecutor(1) as pool:
        first = pool.submit(cache.get, TENANT, 0.0, find)
        assert begun.wait(10)
        with pytest.raises(SourceThrottledError):
            cache.get(TENANT, 0.0, find)
        assert cache.get("other", 0.0, FilterValuesDto) == FilterValuesDto()
        may_end.set()
        assert first.result(10) == cache.get(TENANT, 0.0, find) == FilterValuesDto()


def test_an_outage_is_not_kept() -> None:
    services = a_services([client | {"team_code": "T"} for client in some_clients(1)])

    def fail() -> None:
        raise SourceUnavailableError("The client database did not answer.")

    services.clients.before_ask = fail
    with pytest.raises(SourceUnavailableError):
        list_filter_values(services, TENANT)
    services.clients.before_ask = do_nothing
    assert list_filter_values(services, TENANT).teams == (FilterValueDto(code="T", name=None),)
