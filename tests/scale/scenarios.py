"""The questions: one tenant of a billion clients, and ten thousand tenants at the top of the hour."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from random import Random

from exports.adapters.storage.watch import MANY_TENANTS
from tests.scale.fleet import Fleet, Outcome, Run

BILLION = 1_000_000_000
TENANTS = 10_000
_MEDIAN_CLIENTS, _SPREAD, _LARGEST = 1_500, 1.2, 500_000


@dataclass(frozen=True)
class Step:
    """One row of a table: what was turned, and what came of it."""

    turned: str
    outcome: Outcome


def one_tenant(rows: int = BILLION) -> Iterator[Step]:
    """One job as large as a file can be; each row turns what the row before was used most."""
    fleet = Fleet()
    for turned, changes in (
        ("as deployed: 40 instances, waves of 64 pages", {}),
        ("a source that gives four million clients a second", {"source_rows": 4_000_000}),
        ("`EXPORT_WAVE_PAGES` 500 and 400 instances", {"wave_pages": 500, "instances": 400}),
        ("the Durable Task Scheduler, one capacity unit", {"scheduler_actions": 2_000.0, "responses": 1_000}),
        ("an account whose ingress is 60 Gbit/s", {"account_bytes": 60e9 / 8}),
    ):
        fleet = replace(fleet, **changes)
        yield Step(turned, Run(fleet, [rows], one_tenant=True).outcome())


def top_of_the_hour(tenants: int = TENANTS) -> Iterator[Step]:
    """A job of every tenant, all due at the same second."""
    jobs = clients_of(tenants)
    fleet = Fleet()
    for turned, changes in (
        ("every process counts all jobs under way (as it was)", {"counted_at_most": tenants}),
        ("as deployed: 40 instances, `partitionCount` 4", {"counted_at_most": MANY_TENANTS}),
        ("`partitionCount` 16", {"partitions": 16}),
        ("starts spread over the app: 500 a second", {"starts": 500}),
        ("instances come ten a second, 200 of them", {"instances": 200, "instances_per_second": 10.0}),
        ("the Durable Task Scheduler, one capacity unit", {"scheduler_actions": 2_000.0}),
    ):
        fleet = replace(fleet, **changes)
        yield Step(turned, Run(fleet, jobs).outcome())


def clients_of(tenants: int) -> list[int]:
    """Clients of some tenants: most are small, a few are large. The same every time."""
    chance = Random(1)
    return [max(1, min(_LARGEST, round(_MEDIAN_CLIENTS * chance.lognormvariate(0, _SPREAD)))) for _ in range(tenants)]
