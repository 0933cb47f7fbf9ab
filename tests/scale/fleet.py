"""Simulates a fleet: instances, Durable Functions, storage and the source, with the costs of a page and every limit."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from exports.adapters.clients_sql.dialects.base import STATEMENT_TIMEOUT_SECONDS
from exports.adapters.storage.watch import _FRESH_SECONDS, _MANY_TENANTS_FACTOR, MANY_TENANTS
from exports.file.plan import MAX_BLOCKS
from exports.settings import Settings
from tests.scale.kernel import Group, Process, Simulation, Slots, Station, Subprocess

_ROW_BYTES = 768
_SHARED_PAGES = 2
"""A job of so many pages needs no share of the pages in flight, so no active jobs are counted for it."""


def _default(setting: str) -> int:
    return int(Settings.model_fields[setting].default)


@dataclass(frozen=True)
class Costs:
    """Measured and assumed costs; docs/scale.md gives their sources.

    Attributes:
        seconds_per_row: Time of one core to read, render, check and stage a client of 67 columns from PostgreSQL.
        seconds_per_step: Time of one core for a step that writes no page, and the fixed part of a page's time.
        seconds_per_small_job: The fixed part of the only step of a job of one page.
        keys_per_second: Clients that planning passes over in a second.
        plan_requests: Requests to the storage account of files and job state, like the next four.
        progress_requests: Those of the step between two waves.
        small_job_requests: Those of the only step of a job of one page.
        durable_requests_per_activity: Requests to the storage account of Durable Functions.
        episode_seconds: One episode of an orchestrator: it is fetched, replayed and written back.
    """

    seconds_per_row: float = 10e-6
    seconds_per_step: float = 0.05
    seconds_per_small_job: float = 0.1
    keys_per_second: float = 16_000_000
    plan_requests: int = 4
    page_requests: int = 4
    progress_requests: int = 2
    commit_requests: int = 8
    small_job_requests: int = 7
    durable_requests_per_activity: float = 10
    episode_seconds: float = 0.03
    row_bytes: int = _ROW_BYTES


MEASURED = Costs()


@dataclass(frozen=True)
class Fleet:
    """The settings of a deployment, and the limits of Azure and of the source.

    Defaults are those of `infra/` and of the settings, and the documented limits.

    Attributes:
        instances: The maximum number of instances.
        instances_per_second: How many instances are added in a second; an assumption.
        partitions: Control queues of Durable Functions (`partitionCount`), 16 at most; each runs on one instance.
        orchestrators: Episodes that an instance runs at the same time.
        scheduler_actions: Actions a second of the Durable Task Scheduler, which replaces the queues; None: the
            provider is Azure Storage.
        accounts: Storage accounts for files and job state; the jobs are divided among them.
        source_rows: Clients a second that the database delivers.
        starts: Jobs a second that the timer starts: eight at once, some 150 ms each.
        counted_at_most: The most active jobs that a process counts to calculate fair shares.
    """

    instances: int = 40
    instances_per_second: float = 1.0
    cores: int = 1
    partitions: int = 4
    orchestrators: int = 1
    scheduler_actions: float | None = None
    accounts: int = 1
    wave_pages: int = _default("wave_pages")
    block_bytes: int = _default("block_bytes")
    source_rows: float = 1_000_000
    starts: float = 53
    counted_at_most: int = MANY_TENANTS
    queue_messages: float = 2_000
    account_requests: float = 20_000
    account_bytes: float = 25e9 / 8
    blob_requests: float = 500
    partition_entities: float = 2_000
    responses: float = 150


@dataclass(frozen=True)
class Outcome:
    """The result of a run.

    Attributes:
        utilisation: For every limit, the share of its capacity that the whole run used. The largest one is the
            limit to widen.
        job_seconds: Median and 95th percentile of the time from the start of all jobs to the end of a job.
        failure: Why the run would fail in reality; the simulation ignores it and continues.
    """

    seconds: float
    rows: int
    pages: int
    bytes: int
    utilisation: dict[str, float]
    job_seconds: tuple[float, float]
    failure: str | None = None

    @property
    def first_limit(self) -> str:
        """The limit with the highest utilisation."""
        return max(self.utilisation, key=lambda name: self.utilisation[name])


class Run:
    """One run of a fleet. `jobs` gives the number of clients of each job; all jobs start at once."""

    def __init__(
        self, fleet: Fleet, jobs: Sequence[int], costs: Costs | None = None, *, one_tenant: bool = False
    ) -> None:
        self.fleet, self.costs, self.jobs = fleet, costs or Costs(), jobs
        self.simulation = Simulation()
        self.instances = Slots("cores of instances")
        self.in_wave = Slots("pages of a wave")
        self.durable = Station("requests to Durable's storage account", fleet.account_requests)
        self.work_items = Station("work-item queue", fleet.scheduler_actions or fleet.queue_messages)
        episodes_per_second = fleet.orchestrators / self.costs.episode_seconds
        partitions = fleet.instances if fleet.scheduler_actions else min(fleet.partitions, fleet.instances)
        self.control = [Station("orchestrators", episodes_per_second) for _ in range(partitions)]
        self.requests = [
            Station("requests to a storage account", fleet.account_requests) for _ in range(fleet.accounts)
        ]
        self.ingress = [Station("bytes into a storage account", fleet.account_bytes) for _ in range(fleet.accounts)]
        self.starts = Station("starts by the timer", fleet.starts)
        self.active = Station("rows of active jobs", fleet.partition_entities)
        self._counted: dict[int, float] = {}
        self._steps = 0
        self.source = Station("clients from the source", fleet.source_rows)
        self.tenants = [Station("job rows of a tenant", fleet.partition_entities)] if one_tenant else []
        self.blobs: list[Station] = []
        self.ledgers: list[Station] = []
        self.results: list[Station] = []
        self.pages = self.rows = 0
        self.ends: list[float] = []

    def outcome(self) -> Outcome:
        """Run all jobs to their end."""
        fleet = self.fleet
        for number in range(fleet.instances):
            self.simulation.open(self.instances, fleet.cores, at=number / fleet.instances_per_second)
        for number, rows in enumerate(self.jobs):
            self.simulation.start(self._job(number, rows))
        self.simulation.run()
        seconds = max(self.ends)
        ends = sorted(self.ends)
        job_seconds = (ends[len(ends) // 2], ends[min(len(ends) - 1, len(ends) * 95 // 100)])
        stored = self.rows * self.costs.row_bytes
        return Outcome(seconds, self.rows, self.pages, stored, self._utilisation(seconds), job_seconds, self._failure())

    def _failure(self) -> str | None:
        planning = max(self.jobs) / self.costs.keys_per_second
        if planning <= STATEMENT_TIMEOUT_SECONDS:
            return None
        return f"planning takes {planning:,.0f} s, a statement may take {STATEMENT_TIMEOUT_SECONDS}"

    def _utilisation(self, seconds: float) -> dict[str, float]:
        shares = {self.instances.name: self.instances.busy_seconds / (seconds * self.instances.opened)}
        in_flight = min(self.fleet.wave_pages * len(self.jobs), self.instances.opened)
        if in_flight < self.instances.opened:
            shares[self.in_wave.name] = self.instances.busy_seconds / (seconds * in_flight)
        stations = [
            self.starts,
            self.active,
            self.durable,
            self.work_items,
            self.source,
            *self.control,
            *self.requests,
            *self.ingress,
        ]
        for station in (*stations, *self.tenants, *self.blobs, *self.ledgers, *self.results):
            shares[station.name] = max(shares.get(station.name, 0.0), station.utilisation(seconds))
        return shares

    def _job(self, number: int, rows: int) -> Process:
        """Simulate one job: the timer starts it; its orchestration plans, runs waves, and commits."""
        limits = _JobLimits(self, number)
        yield self.starts.serve(self.simulation.now)
        pages = max(1, min(MAX_BLOCKS, -(-rows * self.costs.row_bytes // self.fleet.block_bytes)))
        planning = rows / self.costs.keys_per_second
        if pages == 1:
            yield from limits.episode()
            fixed_seconds = planning + self.costs.seconds_per_small_job
            yield from self._write(limits, rows, fixed_seconds, self.costs.small_job_requests, of_ledger=0)
        else:
            yield from self._step(limits, planning, self.costs.plan_requests, counts=pages > _SHARED_PAGES)
            yield from self._pages(limits, rows, pages)
            yield from self._step(limits, pages / 1_000 * 0.1, self.costs.commit_requests)
        self.ends.append(self.simulation.now)

    def _pages(self, limits: _JobLimits, rows: int, pages: int) -> Process:
        """Simulate the waves of a job, and the step between two of them."""
        for first in range(0, pages, self.fleet.wave_pages):
            wave = range(first, min(first + self.fleet.wave_pages, pages))
            yield from limits.episode()
            yield Group(self._page(limits, rows * (page + 1) // pages - rows * page // pages) for page in wave)
            if wave.stop < pages:
                yield from self._step(limits, 0, self.costs.progress_requests, counts=True)

    def _step(self, limits: _JobLimits, seconds: float, requests: int, *, counts: bool = False) -> Process:
        """Simulate an activity that writes no page, and the orchestrator's episode before it.

        Args:
            counts: Whether it counts the active jobs.
        """
        yield from limits.episode()
        taken_at = yield from self._begin()
        yield self.simulation.now + self.costs.seconds_per_step + seconds
        yield limits.requests.serve(self.simulation.now, requests)
        if counts:
            yield from self._count_active()
        self.simulation.free(self.instances, taken_at)
        yield limits.results.serve(self.simulation.now)

    def _count_active(self) -> Process:
        """Count the active jobs if this process has no recent count. Every process has a count of its own."""
        self._steps += 1
        process, now = self._steps % self.instances.opened, self.simulation.now
        active = min(len(self.jobs) - len(self.ends), self.fleet.counted_at_most)
        fresh = _FRESH_SECONDS * (_MANY_TENANTS_FACTOR if active == MANY_TENANTS else 1)
        if now - self._counted.get(process, -fresh) >= fresh:
            self._counted[process] = now
            yield self.active.serve(now, active)

    def _page(self, limits: _JobLimits, rows: int) -> Process:
        return self._write(limits, rows, self.costs.seconds_per_step, self.costs.page_requests, of_ledger=2)

    def _write(self, limits: _JobLimits, rows: int, fixed_seconds: float, requests: int, *, of_ledger: int) -> Process:
        """Simulate an activity that reads clients and stores their bytes."""
        taken_at = yield from self._begin()
        read = self.source.serve(self.simulation.now, rows)
        work = self.simulation.now + fixed_seconds + rows * self.costs.seconds_per_row
        yield max(read, work)
        yield limits.requests.serve(self.simulation.now, requests)
        yield limits.ingress.serve(self.simulation.now, rows * self.costs.row_bytes)
        yield limits.blob.serve(self.simulation.now)
        for tenant in self.tenants:
            yield tenant.serve(self.simulation.now, 2)
        yield limits.ledger.serve(self.simulation.now, of_ledger)
        self.simulation.free(self.instances, taken_at)
        self.pages += 1
        self.rows += rows
        yield limits.results.serve(self.simulation.now)

    def _begin(self) -> Subprocess[float]:
        """Dispatch an activity and take a core for it; return the moment at which it took the core."""
        yield self.work_items.serve(self.simulation.now)
        if self.fleet.scheduler_actions is None:
            yield self.durable.serve(self.simulation.now, self.costs.durable_requests_per_activity)
        yield self.instances
        return self.simulation.now


class _JobLimits:
    """The limits that apply to one job: its own, and those it shares with other jobs, chosen by the job's number."""

    def __init__(self, run: Run, number: int) -> None:
        self._run = run
        self._control = run.control[number % len(run.control)]
        self.requests = run.requests[number % len(run.requests)]
        self.ingress = run.ingress[number % len(run.ingress)]
        self.blob = Station("requests to a blob", run.fleet.blob_requests)
        self.ledger = Station("ledger of a job", run.fleet.partition_entities)
        self.results = Station("activity results to an orchestrator", run.fleet.responses)
        run.blobs.append(self.blob)
        run.ledgers.append(self.ledger)
        run.results.append(self.results)

    def episode(self) -> Process:
        """Simulate an episode of the job's orchestrator, which waits for those of other jobs on its partition."""
        yield self._control.serve(self._run.simulation.now)
