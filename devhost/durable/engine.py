"""Runs orchestrations: finds the instances that have messages, replays them on workers, and commits the outcomes.

All of this happens on one event loop, in the only process that writes to the state file. So no instance needs a lock:
a running instance is in `_running`, and messages that arrive for it wait in its inbox.
"""

import asyncio
import logging
import time
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass

from devhost.durable.actions import FatalError, parse_failure, parse_reply
from devhost.durable.alarms import Alarms
from devhost.durable.episode import Batch, Episode, gather
from devhost.durable.models import Instance, Outcome
from devhost.durable.store import Store
from devhost.functions import FunctionTable
from devhost.workers.pool import WorkerPool
from devhost.workers.worker import FunctionTimeoutError, Reply, Worker, WorkerDiedError

_log = logging.getLogger("devhost.engine")

# Replays that may break off in a row. Workers that die for other reasons must not fail an instance.
_MAX_BROKEN_REPLAYS = 20
_MAX_BACKOFF_SECONDS = 10.0
_MAX_HOLD_SECONDS = 1.0


@dataclass(frozen=True)
class _Hold:
    """Delays the next replay until a time, or until as many results are due as tasks were open.

    So one replay handles many results.
    """

    until: float
    open_tasks: int


@dataclass
class _Replay:
    """An episode that runs on a worker."""

    instance: Instance
    batch: Batch
    episode: Episode
    reply: asyncio.Future[Reply]
    began: float


class Engine:
    """Runs the instances that it is woken for.

    Args:
        on_activities: Called with the id of each instance that has scheduled activities.
    """

    def __init__(self, store: Store, pool: WorkerPool, on_activities: Callable[[str], None]) -> None:
        self._store = store
        self._pool = pool
        self._on_activities = on_activities
        self._functions = FunctionTable([])
        self._ready: dict[str, None] = {}
        self._running: dict[str, asyncio.Task[None]] = {}
        self._alarms = Alarms(self.wake)
        self._holds: dict[str, _Hold] = {}
        self._broken_replays: Counter[str] = Counter()
        self._stopping = False

    def start(self, functions: FunctionTable) -> None:
        """Continue the instances that an earlier host left unfinished."""
        self._functions = functions
        for instance_id, at in self._store.all_due():
            self._arm(instance_id, at)

    async def stop(self) -> None:
        """Abandon the running episodes. The next start runs them again."""
        self._stopping = True
        self._alarms.stop()
        for task in self._running.values():
            task.cancel()
        await asyncio.gather(*self._running.values(), return_exceptions=True)

    def wake(self, instance_id: str) -> None:
        """Run the instance as soon as a worker has room. A running instance checks its inbox again when it ends."""
        if not self._stopping and instance_id not in self._running and instance_id not in self._ready:
            self._ready[instance_id] = None
            if len(self._ready) == 1:
                asyncio.get_running_loop().call_soon(self.pump)

    def pump(self) -> None:
        """Start ready instances while workers have room."""
        while self._ready and not self._stopping and (worker := self._pool.pick("orchestrator")):
            instance_id = next(iter(self._ready))
            del self._ready[instance_id]
            if not self._is_held(instance_id):
                self._begin(instance_id, worker)

    def _is_held(self, instance_id: str) -> bool:
        hold, now = self._holds.get(instance_id), time.time()
        if hold is None:
            return False
        if now >= hold.until or self._store.count_due(instance_id, now) >= hold.open_tasks:
            del self._holds[instance_id]
            return False
        self._alarms.set(instance_id, hold.until)
        return True

    def _begin(self, instance_id: str, worker: Worker) -> None:
        try:
            replay = self._plan(instance_id, worker)
        except Exception:
            _log.exception("cannot run %s", instance_id)
            self._back_off(instance_id)
            return
        if replay:
            task = asyncio.create_task(self._finish(replay))
            self._running[instance_id] = task
            task.add_done_callback(lambda _: self._ended(instance_id))

    def _plan(self, instance_id: str, worker: Worker) -> _Replay | None:
        """Begin a replay if the instance needs one; commit all other changes at once."""
        now = time.time()
        instance = self._store.instance(instance_id)
        if instance is None or instance.is_finished:
            self._store.clear_inbox(instance_id)
            return None
        batch = gather(instance, self._store.inbox(instance_id, now))
        episode = Episode(instance, batch, self._functions, time.time())
        if batch.events and not instance.is_finished:
            return self._replay(instance, batch, episode, worker)
        if batch.consumed:
            self._commit(episode.terminate() if instance.is_finished else episode.record())
        elif instance.status != "Suspended":
            self._rearm(instance_id)
        return None

    def _replay(self, instance: Instance, batch: Batch, episode: Episode, worker: Worker) -> _Replay | None:
        function = self._functions.orchestrator(instance.name)
        if function is None:
            self._commit(episode.fail(_unknown(instance.name, self._functions)))
            return None
        payload = episode.payload(self._store.replay(instance.id))
        return _Replay(instance, batch, episode, worker.invoke(function, {}, payload), time.monotonic())

    async def _finish(self, replay: _Replay) -> None:
        instance_id = replay.instance.id
        try:
            self._commit(self._conclude(replay, await replay.reply), time.monotonic() - replay.began)
            del self._broken_replays[instance_id]
        except FunctionTimeoutError as error:
            self._commit(self._failed(replay, str(error)))
        except Exception as error:
            _log.warning("replay of %s: %s", instance_id, error, exc_info=not isinstance(error, WorkerDiedError))
            if self._broken_replays[instance_id] < _MAX_BROKEN_REPLAYS:
                self._back_off(instance_id)
            else:
                self._commit(self._failed(replay, f"{_MAX_BROKEN_REPLAYS} replays in a row broke off: {error}"))

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
        if instance.is_finished:
            level = logging.INFO if instance.status == "Completed" else logging.WARNING
            _log.log(level, "%s %s: %s", instance.name, instance.id, _summary(instance))
            self._holds.pop(instance.id, None)
            self._broken_replays.pop(instance.id, None)
        elif instance.open:
            pause = min(_MAX_HOLD_SECONDS, replay_seconds / 2)
            self._holds[instance.id] = _Hold(time.time() + pause, len(instance.open))
        if instance.status != "Suspended":
            self._rearm(instance.id)

    def _ended(self, instance_id: str) -> None:
        del self._running[instance_id]
        if self._stopping:
            return
        if instance_id not in self._broken_replays:  # the alarm that `_back_off` has set wakes those
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

    def _back_off(self, instance_id: str) -> None:
        """Run the instance again after a pause that doubles each time."""
        self._broken_replays[instance_id] += 1
        pause = min(_MAX_BACKOFF_SECONDS, 0.05 * 2 ** self._broken_replays[instance_id])
        self._alarms.set(instance_id, time.time() + pause)


def _unknown(name: str, functions: FunctionTable) -> str:
    """Return the words in which the real extension reports an orchestrator that does not exist."""
    known = ", ".join(f"'{function.durable_name}'" for function in functions.of_kind("orchestrator"))
    return (
        f"The function '{name}' doesn't exist, is disabled, or is not an orchestrator function. "
        f"Additional info: The following are the known orchestrator functions: {known}."
    )


def _summary(instance: Instance) -> str:
    if instance.status == "Completed":
        return "Completed"
    return f"{instance.status}: {(instance.output or '')[:500]}"
