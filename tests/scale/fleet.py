"""The fleet: instances, Durable Functions, storage, the source; what a page costs, and what each part bears."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from exports.adapters.clients_sql.engines import STATEMENT_TIMEOUT_SECONDS
from exports.adapters.storage.watch import _FRESH_LONGER, _FRESH_SECONDS, MANY_TENANTS
from exports.file.plan import MAX_BLOCKS
from exports.workflow.commands import Limits
from tests.scale.kernel import Group, Part, Process, Simulation, Slots, Station

_ROW_BYTES = 768
_DEFAULTS = Limits()


@dataclass(frozen=True)
class Costs:
    """What was measured; docs/scale.md says how.

    Attributes:
        seconds_per_row: Of one core, to read, render, check and stage a client of 67 columns from PostgreSQL.
        seconds_per_step: Of a core, for a step that is no page, and for what a page costs beside its rows.
        keys_per_second: Clients that planning passes by.
        requests_per_page: To the account of files and job state; to the one of Durable Functions.
        episode_seconds: An orchestrator's turn: fetched, replayed, written.
    """

    seconds_per_row: float = 10e-6
    seconds_per_step: float = 0.05
    keys_per_second: float = 16_000_000
    storage_requests_per_page: float = 5
    durable_requests_per_activity: float = 10
    episode_seconds: float = 0.03
    row_bytes: int = _ROW_BYTES


MEASURED = Costs()


@dataclass(frozen=True)
class Fleet:
    """What is set, and what Azure and the source bear. Defaults are those of `infra/` and of the limits' documents.

    Attributes:
        instances: At most.
        instances_per_second: How fast they are added; an assumption.
        partitions: Control queues of Durable Functions (`partitionCount`), 16 at most; each runs on one instance.
        orchestrators: Turns of orchestrators at once on an instance.
        scheduler_actions: Actions a second of the Durable Task Scheduler, in place of queues; None: Azure Storage.
        accounts: Storage accounts for files and job state, jobs being divided among them.
        source_rows: Clients a second that the database gives.
        starts: Jobs a second that the timer starts: eight at once, some 150 ms each.
        counted_at_most: Jobs under way that are counted to share pages out.
    """

    instances: int = 40
    instances_per_second: float = 1.0
    cores: int = 1
    partitions: int = 4
    orchestrators: int = 1
    scheduler_actions: float | None = None
    accounts: int = 1
    wave_pages: int = _DEFAULTS.wave_pages
    block_bytes: int = _DEFAULTS.target_bytes
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
    """What came of a run.

    Attributes:
        used: The part of its capacity that every limit was used to, over the whole run; the largest is what to turn.
        waits: Seconds in the middle and at the 95th hundredth that jobs took from their start to their end.
        breaks: What would end in failure; the run goes on as if it did not.
    """

    seconds: float
    rows: int
    pages: int
    bytes: int
    used: dict[str, float]
    waits: tuple[float, float]
    breaks: str | None = None

    @property
    def first_limit(self) -> str:
        """What was used most."""
        return max(self.used, key=lambda name: self.used[name])


class Run:
    """One run of a fleet over some jobs, each of so many clients, all of them starting at once."""

    def __init__(
        self, fleet: Fleet, jobs: Sequence[int], costs: Costs | None = None, *, one_tenant: bool = False
    ) -> None:
        self.fleet, self.costs, self.jobs = fleet, costs or Costs(), jobs
        self.simulation = Simulation()
        self.instances = Slots("cores of instances")
        self.in_wave = Slots("pages of a wave")
        self.durable = Station("requests to Durable's storage account", fleet.account_requests)
        self.work_items = Station("work-item queue", fleet.scheduler_actions or fleet.queue_messages)
        turns = fleet.orchestrators / self.costs.episode_seconds
        lanes = fleet.instances if fleet.scheduler_actions else min(fleet.partitions, fleet.instances)
        self.control = [Station("orchestrators", turns) for _ in range(lanes)]
        self.requests = [
            Station("requests to a storage account", fleet.account_requests) for _ in range(fleet.accounts)
        ]
        self.ingress = [Station("bytes into a storage account", fleet.account_bytes) for _ in range(fleet.accounts)]
        self.starts = Station("starts by the timer", fleet.starts)
        self.active = Station("rows of jobs under way", fleet.partition_entities)
        self._counted: dict[int, float] = {}
        self._steps = 0
        self.source = Station("clients from the source", fleet.source_rows)
        self.tenants = [Station("job rows of a tenant", fleet.partition_entities)] if one_tenant else []
        self.blobs: list[Station] = []
        self.ledgers: list[Station] = []
        self.answers: list[Station] = []
        self.pages = self.rows = 0
        self.ends: list[float] = []

    def outcome(self) -> Outcome:
        """Let all jobs run to their end."""
        fleet = self.fleet
        for number in range(fleet.instances):
            self.simulation.open(self.instances, fleet.cores, at=number / fleet.instances_per_second)
        for number, rows in enumerate(self.jobs):
            self.simulation.start(self._job(number, rows))
        self.simulation.run()
        seconds = max(self.ends)
        ends = sorted(self.ends)
        waits = (ends[len(ends) // 2], ends[min(len(ends) - 1, len(ends) * 95 // 100)])
        stored = self.rows * self.costs.row_bytes
        return Outcome(seconds, self.rows, self.pages, stored, self._used(seconds), waits, self._breaks())

    def _breaks(self) -> str | None:
        planning = max(self.jobs) / self.costs.keys_per_second
        if planning <= STATEMENT_TIMEOUT_SECONDS:
            return None
        return f"planning takes {planning:,.0f} s, a statement may take {STATEMENT_TIMEOUT_SECONDS}"

    def _used(self, seconds: float) -> dict[str, float]:
        used = {self.instances.name: self.instances.busy_seconds / (seconds * self.instances.opened)}
        in_flight = min(self.fleet.wave_pages * len(self.jobs), self.instances.opened)
        if in_flight < self.instances.opened:
            used[self.in_wave.name] = self.instances.busy_seconds / (seconds * in_flight)
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
        for station in (*stations, *self.tenants, *self.blobs, *self.ledgers, *self.answers):
            used[station.name] = max(used.get(station.name, 0.0), station.utilisation(seconds))
        return used

    def _job(self, number: int, rows: int) -> Process:
        """One job: started by the timer, then its orchestration: plan, waves, commit, outcome."""
        place = _Place(self, number)
        yield self.starts.passed(self.simulation.now)
        pages = max(1, min(MAX_BLOCKS, -(-rows * self.costs.row_bytes // self.fleet.block_bytes)))
        yield from self._step(place, rows / self.costs.keys_per_second)
        for first in range(0, pages, self.fleet.wave_pages):
            wave = range(first, min(first + self.fleet.wave_pages, pages))
            yield from place.turn()
            yield Group(self._page(place, rows * (page + 1) // pages - rows * page // pages) for page in wave)
            if wave.stop < pages:
                yield from self._step(place, 0)
        yield from self._step(place, pages / 1_000 * 0.1)
        yield from self._step(place, 0)
        self.ends.append(self.simulation.now)

    def _step(self, place: _Place, seconds: float) -> Process:
        """An activity that is no page, and the orchestrator's turn before it."""
        yield from place.turn()
        taken_at = yield from self._begin()
        yield self.simulation.now + self.costs.seconds_per_step + seconds
        yield place.requests.passed(self.simulation.now, 3)
        yield from self._count_active()
        self.simulation.free(self.instances, taken_at)
        yield place.answers.passed(self.simulation.now)

    def _count_active(self) -> Process:
        """Every process counts the jobs under way for itself, and again when its count has become old."""
        self._steps += 1
        process, now = self._steps % self.instances.opened, self.simulation.now
        active = min(len(self.jobs) - len(self.ends), self.fleet.counted_at_most)
        fresh = _FRESH_SECONDS * (_FRESH_LONGER if active == MANY_TENANTS else 1)
        if now - self._counted.get(process, -fresh) >= fresh:
            self._counted[process] = now
            yield self.active.passed(now, active)

    def _page(self, place: _Place, rows: int) -> Process:
        taken_at = yield from self._begin()
        read = self.source.passed(self.simulation.now, rows)
        work = self.simulation.now + self.costs.seconds_per_step + rows * self.costs.seconds_per_row
        yield max(read, work)
        yield place.requests.passed(self.simulation.now, self.costs.storage_requests_per_page)
        yield place.ingress.passed(self.simulation.now, rows * self.costs.row_bytes)
        yield place.blob.passed(self.simulation.now)
        for tenant in self.tenants:
            yield tenant.passed(self.simulation.now, 2)
        yield place.ledger.passed(self.simulation.now, 2)
        self.simulation.free(self.instances, taken_at)
        self.pages += 1
        self.rows += rows
        yield place.answers.passed(self.simulation.now)

    def _begin(self) -> Part[float]:
        """Dispatch an activity and get a core for it; when it was got."""
        yield self.work_items.passed(self.simulation.now)
        if self.fleet.scheduler_actions is None:
            yield self.durable.passed(self.simulation.now, self.costs.durable_requests_per_activity)
        yield self.instances
        return self.simulation.now


class _Place:
    """What one job has to itself, and what it shares by its number."""

    def __init__(self, run: Run, number: int) -> None:
        self._run = run
        self._control = run.control[number % len(run.control)]
        self.requests = run.requests[number % len(run.requests)]
        self.ingress = run.ingress[number % len(run.ingress)]
        self.blob = Station("requests to a blob", run.fleet.blob_requests)
        self.ledger = Station("ledger of a job", run.fleet.partition_entities)
        self.answers = Station("answers to an orchestrator", run.fleet.responses)
        run.blobs.append(self.blob)
        run.ledgers.append(self.ledger)
        run.answers.append(self.answers)

    def turn(self) -> Process:
        """A turn of the job's orchestrator, after those of others on its partition."""
        yield self._control.passed(self._run.simulation.now)
