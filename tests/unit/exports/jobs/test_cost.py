"""Costs: counted by a meter, added up, and unknown in results of older versions."""

from __future__ import annotations

from exports.jobs.cost import Cost, StorageRequests, cost_of, total
from shared.metering import metering


def _cost(number: int) -> Cost:
    requests = StorageRequests(blob_write=number, blob_read=1, table_write=2, table_read=3)
    return Cost(storage_requests=requests, bytes_sent=10 * number, function_seconds=0.1 * number)


def test_costs_add_up() -> None:
    assert total(_cost(1), _cost(2)) == Cost(
        storage_requests=StorageRequests(blob_write=3, blob_read=2, table_write=4, table_read=6),
        bytes_sent=30,
        function_seconds=0.3,
    )


def test_unknown_costs_are_ignored_and_without_a_known_one_the_total_is_unknown() -> None:
    assert total(None, _cost(1), None) == _cost(1)
    assert total(None, None) is None
    assert total() is None


def test_the_counts_of_a_meter_become_a_cost() -> None:
    with metering() as meter:
        meter.add("blob_write", 100)
        meter.add("table_read", 0)
    cost = cost_of(meter)
    assert cost.storage_requests == StorageRequests(blob_write=1, table_read=1)
    assert cost.bytes_sent == 100
    assert 0 <= cost.function_seconds < 60
