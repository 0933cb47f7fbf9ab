"""The two scenarios: one tenant with a billion clients, and ten thousand tenants at the top of the hour."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from random import Random

from tests.scale.fleet import Fleet, Outcome, Run

BILLION = 1_000_000_000
TENANTS = 10_000
_MEDIAN_CLIENTS, _SPREAD, _LARGEST = 1_500, 1.2, 500_000


@dataclass(frozen=True)
class Step:
    """One row of a table: the change to the fleet, and the outcome with this and all earlier changes."""

    change: str
    outcome: Outcome


def one_tenant(rows: int = BILLION) -> Iterator[Step]:
    """Run one job as large as a file can be. Each step widens the limit that the step before used most."""
    fleet = Fleet()
    for change, settings in (
        ("as deployed: 40 instances, waves of 64 pages", {}),
        ("a source of four million clients a second", {"source_rows": 4_000_000}),
        ("`EXPORT_WAVE_PAGES` 500 and 400 instances", {"wave_pages": 500, "instances": 400}),
        ("the Durable Task Scheduler, one capacity unit", {"scheduler_actions": 2_000.0, "responses": 1_000}),
        ("an account whose ingress is 60 Gbit/s", {"account_bytes": 60e9 / 8}),
    ):
        fleet = replace(fleet, **settings)
        yield Step(change, Run(fleet, [rows], one_tenant=True).outcome())


def top_of_the_hour(tenants: int = TENANTS) -> Iterator[Step]:
    """Run one job for each tenant, all due at the same second."""
    jobs = clients_of(tenants)
    fleet = Fleet()
    for change, settings in (
        ("as deployed: 40 instances, `partitionCount` 4", {}),
        ("starts spread over all instances: 500 a second", {"starts": 500}),
        ("`partitionCount` 16", {"partitions": 16}),
        ("200 instances, ten more each second", {"instances": 200, "instances_per_second": 10.0}),
        ("a source of four million clients a second", {"source_rows": 4_000_000}),
    ):
        fleet = replace(fleet, **settings)
        yield Step(change, Run(fleet, jobs).outcome())


def clients_of(tenants: int) -> list[int]:
    """Return a number of clients for each tenant: most are small, a few are large. Always the same numbers."""
    random = Random(1)
    return [max(1, min(_LARGEST, round(_MEDIAN_CLIENTS * random.lognormvariate(0, _SPREAD)))) for _ in range(tenants)]
