"""The places where planning and estimating sample clients."""

from __future__ import annotations

import pytest

from exports.file.ranges import Boundaries
from exports.ports.clients import ClientSelection
from exports.steps.pages.sampling import Sampler, sampled_strides
from exports.steps.pages.selection import renderer_for
from tests.support.fakes import a_services
from tests.support.steps import TENANT, some_clients, two_columns

RENDERER = renderer_for(two_columns())
SELECTION = ClientSelection(TENANT, RENDERER.source_columns)


@pytest.mark.parametrize(
    ("strides", "sampled"),
    [
        (1, [0]),
        (2, [0, 1]),
        (9, [0, 1, 2, 3, 4, 5, 6, 7, 8]),
        (17, [0, 2, 4, 6, 8, 10, 12, 14, 16]),
        (1_000_000, [0, 124_999, 249_999, 374_999, 499_999, 624_999, 749_999, 874_999, 999_999]),
    ],
)
def test_samples_are_spread_evenly_from_the_first_stride_to_the_last(strides: int, sampled: list[int]) -> None:
    assert sampled_strides(Boundaries(strides, ("C",) * (strides - 1))) == sampled


def test_planning_and_estimating_sample_the_same_places() -> None:
    services = a_services(some_clients(2_000))
    strides = services.clients.find_boundaries(SELECTION, 100)
    sampler = Sampler(services, SELECTION, RENDERER)

    planned = sampler.take_all_over(strides, sampler.take_first()).by_stride
    rows = sampler.read_rows(strides, 9)

    assert len(rows) == 9
    firsts = [records.data.partition(b"\n")[0] + b"\n" for records in planned.values()]
    assert firsts == [RENDERER.render([row]) for row in rows]


@pytest.mark.parametrize("clients", [0, 1, 500, 501, 1_000])
def test_a_sample_of_up_to_a_thousand_clients_is_all_of_them(clients: int) -> None:
    services = a_services(some_clients(clients))
    strides = services.clients.find_boundaries(SELECTION, 500)

    rows = Sampler(services, SELECTION, RENDERER).read_rows(strides, 1_000)

    assert [row[0] for row in rows] == [client["code"] for client in services.clients.clients]
