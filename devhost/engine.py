"""Runs orchestrations: notices which have something to do, replays them on workers, commits what follows.

Everything happens on one event loop in the only process that writes, so no instance needs a lock: one that runs is in
`_running`, and what arrives meanwhile waits in its inbox.
"""

import asyncio
import logging
import time
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass

from devhost.actions import FatalError, parse_failure, parse_reply
from devhost.alarms import Alarms
from devhost.episode import Batch, Episode, gather
from devhost.functions import FunctionTable
from devhost.models import Instance, Outcome
from devhost.store import Store
from devhost.workers import FunctionTimeoutError, Reply, Worker, WorkerDiedError, WorkerPool

_log = logging.getLogger("devhost.engine")

_MOST_STRIKES = 20  # replays in a row that broke off; workers that die for other reasons must not fail an instance
_LONGEST_BACKOFF_SECONDS = 10.0
_LONGEST_HOLD_SECONDS = 1.0


@dataclass(frozen=True)
class _Hold:
    """Gather completions until then, unless everything `open` has arrived."""

    until: float
    open: int


@dataclass
class _Replay:
    """An episode under way on a worker."""

    instance: Instance
    batch: Batch
    episode: Episode
    reply: asyncio.Future[Reply]
    began: float


class Engine:
    """`wake` it for an instance that got a message; `on_activities` hears of instances that scheduled some."""

    def __init__(self, store: Store, pool: WorkerPool, on_activities: Callable[[str], None]) -> None:
        self._store = store
        self._pool = pool
        self._on_activities = on_activities
        self._functions = FunctionTable([])
        self._ready: dict[str, None] = {}
        self._running: dict[str, asyncio.Task[None]] = {}
        self._alarms = Alarms(self.wake)
        self._holds: dict[str, _Hold] = {}
        self._strikes: Counter[str] = Counter()
        self._stopping = False

    def start(self, functions: FunctionTable) -> None:
        """Take up what an earlier host left."""
        self._functions = functions
        for instance_id, at in self._store.all_due():
            self._arm(instance_id, at)

    async def stop(self) -> None:
        """Give episodes under way up; they happen again at the next start."""
        self._stopping = True
        self._alarms.stop()
        for task in self._running.values():
            task.cancel()
        await asyncio.gather(*self._running.values(), return_exceptions=True)

    def wake(self, instance_id: str) -> None:
        """Run the instance as soon as there is room; one that runs already looks at its inbox when it ends."""
        if not self._stopping and instance_id not in self._running and instance_id not in self._ready:
            self._ready[instance_id] = None
            if len(self._ready) == 1:
                asyncio.get_running_loop().call_soon(self.pump)

    def pump(self) -> None:
        """Begin what is ready, as far as workers have room."""
        while self._ready and not self._stopping and (worker := self._pool.pick("orchestrator")):
            instance_id = next(iter(self._ready))
            del self._ready[instance_id]
            if not self._is_held(instance_id):
                self._begin(instance_id, worker)

    def _is_held(self, instance_id: str) -> bool:
        hold, now = self._holds.get(instance_id), time.time()
        if hold is None:
            return False
        if now >= hold.until or self._store.waiting(instance_id, now) >= hold.open:
            del self._holds[instance_id]
            return False
        self._alarms.set(instance_id, hold.until)
        return True

    def _begin(self, instance_id: str, worker: Worker) -> None:
        try:
            replay = self._plan(instance_id, worker)
        except Exception:
            _log.exception("cannot run %s", instance_id)
            self._strike(instance_id)
            return
        if replay:
            task = asyncio.create_task(self._finish(replay))
            self._running[instance_id] = task
            task.add_done_callback(lambda _: self._ended(instance_id))

    def _plan(self, instance_id: str, worker: Worker) -> _Replay | None:
        """Do what needs no replay; begin the replay otherwise."""
        now = time.time()
        instance = self._store.instance(instance_id)
        if instance is None or instance.finished:
            self._store.clear_inbox(instance_id)
            return None
        batch = gather(instance, self._store.inbox(instance_id, now))
        episode = Episode(instance, batch, self._functions, time.time())
        if batch.events and not instance.finished:
            return self._replay(instance, batch, episode, worker)
        if batch.consumed:
            self._commit(episode.terminate() if instance.finished else episode.record())
        elif instance.status != "Suspended":
            self._rearm(instance_id)
        return None

    def _replay(self, instance: Instance, batch: Batch, episode: Episode, worker: Worker) -> _Replay | None:
        function = self._functions.orchestrator(instance.name)
        if function is None:
            self._commit(episode.fail("the app has no orchestrator function of that name"))
            return None
        payload = episode.payload(self._store.replay(instance.id))
        return _Replay(instance, batch, episode, worker.invoke(function, {}, payload), time.monotonic())

    async def _finish(self, replay: _Replay) -> None:
        instance_id = replay.instance.id
        try:
            self._commit(self._conclude(replay, await replay.reply), time.monotonic() - replay.began)
            del self._strikes[instance_id]
        except FunctionTimeoutError as error:
            self._commit(self._failed(replay, str(error)))
        except Exception as error:
            _log.warning("replay of %s: %s", instance_id, error, exc_info=not isinstance(error, WorkerDiedError))
            if self._strikes[instance_id] < _MOST_STRIKES:
                self._strike(instance_id)
            else:
                self._commit(self._failed(replay, f"{_MOST_STRIKES} replays in a row broke off: {error}"))

    def _conclude(self, replay: _Replay, reply: Reply) -> Outcome:
        try:
            text = reply.body.decode()
            return replay.episode.conclude(parse_reply(text) if reply.ok else parse_failure(text))
        except FatalError as error:
            return self._failed(replay, str(error))

    def _failed(self, replay: _Replay, error: str) -> Outcome:
        return Episode(replay.instance, replay.batch, self._functions, time.time()).fail(error)

    def _commit(self, outcome: Outcome, replay_seconds: float = 0.0) -> None:
        instance = outcome.instance
        for other in self._store.commit(outcome):
            self.wake(other)
        if outcome.activities:
            self._on_activities(instance.id)
        if instance.finished:
            level = logging.INFO if instance.status == "Completed" else logging.WARNING
            _log.log(level, "%s %s: %s", instance.name, instance.id, _summary(instance))
            self._holds.pop(instance.id, None)
            self._strikes.pop(instance.id, None)
        elif instance.open:
            pause = min(_LONGEST_HOLD_SECONDS, replay_seconds / 2)
            self._holds[instance.id] = _Hold(time.time() + pause, len(instance.open))
        if instance.status != "Suspended":
            self._rearm(instance.id)

    def _ended(self, instance_id: str) -> None:
        del self._running[instance_id]
        if self._stopping:
            return
        if instance_id not in self._strikes:  # those come back when their pause is over
            self._rearm(instance_id)
        self.pump()

    def _rearm(self, instance_id: str) -> None:
        due = self._store.next_due(instance_id)
        if due is not None:
            self._arm(instance_id, due)

    def _arm(self, instance_id: str, due: float) -> None:
        if due <= time.time():
            self.wake(instance_id)
        else:
            self._alarms.set(instance_id, due)

    def _strike(self, instance_id: str) -> None:
        """Run the instance again, later each time."""
        self._strikes[instance_id] += 1
        pause = min(_LONGEST_BACKOFF_SECONDS, 0.05 * 2 ** self._strikes[instance_id])
        self._alarms.set(instance_id, time.time() + pause)


def _summary(instance: Instance) -> str:
    if instance.status == "Completed":
        return "Completed"
    return f"{instance.status}: {(instance.output or '')[:500]}"
