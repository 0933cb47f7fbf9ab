"""One run: ask for jobs, do to the rig what the schedule says, watch, let it heal, and look at what is left."""

from __future__ import annotations

import time
import uuid
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from functools import partial
from threading import Event as Flag
from typing import Any

from tests.chaos.callers import Caller
from tests.chaos.evidence import collect
from tests.chaos.rig import KEEPERS, SCHEDULER, SLOT_SECONDS, Rig
from tests.chaos.schedule import (
    Call,
    ClockJump,
    Demand,
    Event,
    Kill,
    Moment,
    ReceiverTrouble,
    Schedule,
    SourceTrouble,
    StorageFault,
    Target,
    Trouble,
    kind_of,
)
from tests.chaos.timeline import Timeline
from tests.chaos.watching import Watchers
from tests.support.system import HARBOUR, NORTHWIND

RECORDED_PAGE = "insert exportpages"
KEEPER_SECONDS = 1.0
"""A minute in production; other times are shorter here as well."""

MOMENT_SECONDS, DISTURBED_SECONDS, HEALED_SECONDS = 6.0, 20.0, 90.0


def perform(rig: Rig, schedule: Schedule) -> Timeline:
    """Carry a schedule out.

    Returns:
        What was seen. The rig is healed, and no job of the run is under way any more, unless that is what went wrong.
    """
    return _Run(rig, schedule).perform()


class _Run:
    def __init__(self, rig: Rig, schedule: Schedule) -> None:
        self._rig, self._schedule = rig, schedule
        self._timeline = Timeline(schedule, rig.expected)
        self._record = rig.storage.proxy.begin()
        self._caller = Caller(rig, self._timeline)
        self._watchers = Watchers(rig.system, self._record, self._timeline)
        self._key = f"{schedule.seed}-{uuid.uuid4().hex}"
        self._over = Flag()

    def perform(self) -> Timeline:
        rig = self._rig
        rig.tell(self._schedule.doubling)
        rig.storage.proxy.arm([event for event in self._schedule.events if isinstance(event, StorageFault)])
        troubles = (event.answers for event in self._schedule.events if isinstance(event, ReceiverTrouble))
        rig.receiver.statuses[:] = [answer for answers in troubles for answer in answers]
        with ThreadPoolExecutor(max_workers=24) as threads:
            self._watchers.start(threads)
            keepers = threads.submit(self._fire_keepers)
            work = [threads.submit(self._start_first)]
            work += [threads.submit(self._at, *step) for step in self._steps()]
            try:
                self._finish(work)
            finally:
                self._over.set()
                self._watchers.stop()
                keepers.result()
        self._timeline.happened.update(self._record.struck)
        collect(rig, self._timeline)
        return self._timeline

    def _finish(self, work: list[Future[Any]]) -> None:
        """Wait for the end of what is done to the rig, then of the jobs; heal before patience runs out.

        Jobs that have failed are resumed then: what failed them has passed.
        """
        for each in work:
            each.result()
        self._watchers.wait_for_ends(DISTURBED_SECONDS)
        self._rig.heal()
        self._watchers.wait_for_ends(HEALED_SECONDS)
        for tenant, code in self._watchers.take_failed():
            self._timeline.happened["failed, then resumed"] += 1
            self._caller.resume(tenant, code)
        self._watchers.wait_for_ends(HEALED_SECONDS)

    def _fire_keepers(self) -> None:
        while not self._over.wait(KEEPER_SECONDS):
            for timer in KEEPERS:
                self._rig.fire(timer)

    def _start_first(self) -> None:
        self._caller.start(self._schedule.body, NORTHWIND, self._key)

    def _steps(self) -> list[tuple[Event, Moment, Callable[[], None]]]:
        steps: list[tuple[Event, Moment, Callable[[], None]]] = []
        for number, event in enumerate(self._schedule.events):
            match event:
                case Kill(target, at, seconds):
                    steps.append((event, at, self._kill(target, seconds)))
                case SourceTrouble(kind, at, seconds):
                    steps.append((event, at, self._trouble(kind, seconds)))
                case ClockJump(at, seconds):
                    steps.append((event, at, partial(self._rig.jump, seconds)))
                case Call(demand, at):
                    steps.append((event, at, partial(self._call, demand, number)))
                case StorageFault() | ReceiverTrouble():
                    pass
        return steps

    def _at(self, event: Event, moment: Moment, act: Callable[[], None]) -> None:
        """Act when the moment has come; what would come too late to disturb anything is left out, but for calls."""
        deadline = time.monotonic() + MOMENT_SECONDS
        while self._record.done[RECORDED_PAGE] < moment.pages and time.monotonic() < deadline:
            if self._watchers.all_have_ended():
                break
            time.sleep(0.005)
        time.sleep(moment.seconds)
        if isinstance(event, Call) or not self._watchers.all_have_ended():
            self._timeline.happened[kind_of(event)] += 1
            act()

    def _kill(self, target: Target, down_seconds: float) -> Callable[[], None]:
        rig = self._rig
        match target:
            case Target.HOST:
                return partial(rig.kill_host, down_seconds)
            case Target.WORKER:
                return rig.kill_worker
            case Target.STORAGE:
                return partial(rig.storage.kill_and_restart, down_seconds)
        return partial(rig.kill_source, down_seconds)

    def _trouble(self, kind: Trouble, seconds: float) -> Callable[[], None]:
        line = self._rig.line
        begin = {Trouble.SLOW: line.slow, Trouble.STUCK: line.stick, Trouble.CUT: line.cut}[kind]

        def act() -> None:
            begin()
            if kind is not Trouble.CUT:
                time.sleep(seconds)
                line.heal()

        return act

    def _call(self, demand: Demand, number: int) -> None:
        if demand is Demand.OTHER_JOB:
            tenant = NORTHWIND if number % 2 else HARBOUR
            self._caller.start_once(self._schedule.body, tenant)
            return
        if demand is Demand.SAME_KEY:
            again = (self._schedule.body, NORTHWIND, self._key)
            self._at_once(*(lambda: self._caller.start(*again) for _ in range(3)))
            return
        if demand is Demand.SLOT:
            self._rig.jump(SLOT_SECONDS)
            self._at_once(*(lambda: self._rig.fire(SCHEDULER) for _ in range(3)))
            return
        code = self._first_code()
        if code is None:
            return
        if demand in (Demand.CANCEL, Demand.CANCEL_AND_RESUME):
            self._caller.cancel(NORTHWIND, code)
        if demand is Demand.RESUME_TWICE:
            self._at_once(*(lambda: self._caller.resume(NORTHWIND, code) for _ in range(2)))
        elif demand in (Demand.RESUME, Demand.CANCEL_AND_RESUME):
            self._caller.resume(NORTHWIND, code)

    def _first_code(self) -> str | None:
        """The code of the first job, as soon as its row is there."""
        deadline = time.monotonic() + MOMENT_SECONDS
        while time.monotonic() < deadline:
            for call in list(self._timeline.calls):
                if call.key == self._key and call.code:
                    return call.code
            time.sleep(0.01)
        return None

    @staticmethod
    def _at_once(*acts: Callable[[], None]) -> None:
        with ThreadPoolExecutor(max_workers=len(acts)) as threads:
            for each in [threads.submit(act) for act in acts]:
                each.result()
