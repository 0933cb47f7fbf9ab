"""Carries out one run: starts jobs, injects the faults of a schedule, observes, heals, and collects the final state."""

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
from tests.chaos.rig import SLOT_SECONDS, Rig
from tests.chaos.schedule import (
    Call,
    CallerAction,
    ClockJump,
    Event,
    Kill,
    Moment,
    ReceiverFault,
    Schedule,
    SourceEffect,
    SourceFault,
    StorageFault,
    Target,
    kind_of,
)
from tests.chaos.timeline import Timeline
from tests.chaos.watchers import Watchers
from tests.support.system import HARBOUR, NORTHWIND

RECORDED_PAGE = "insert exportpages"
MAINTENANCE_SECONDS = 1.0
"""The period of the maintenance timers. In production it is a minute; other times are shorter here as well."""

MOMENT_TIMEOUT_SECONDS, DISTURBED_TIMEOUT_SECONDS, HEALED_TIMEOUT_SECONDS = 6.0, 20.0, 90.0


def perform(rig: Rig, schedule: Schedule) -> Timeline:
    """Carry out a schedule.

    Returns:
        The observations. The rig is healed, and all jobs of the run have ended, unless an invariant about that is
        broken.
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
        rig.set_control(self._schedule.delivery)
        rig.storage.proxy.arm([event for event in self._schedule.events if isinstance(event, StorageFault)])
        faults = [event for event in self._schedule.events if isinstance(event, ReceiverFault)]
        rig.receiver.statuses[:] = [status for fault in faults for status in fault.statuses]
        with ThreadPoolExecutor(max_workers=24) as threads:
            self._watchers.start(threads)
            maintenance = threads.submit(self._fire_maintenance)
            work = [threads.submit(self._start_first)]
            work += [threads.submit(self._at, *step) for step in self._steps()]
            try:
                self._finish(work)
            finally:
                self._over.set()
                self._watchers.stop()
                maintenance.result()
        self._timeline.occurred.update(self._record.injected)
        collect(rig, self._timeline)
        return self._timeline

    def _finish(self, work: list[Future[Any]]) -> None:
        """Wait until all events are over, then until the jobs have ended; end all faults if that takes too long.

        Afterwards resume the failed jobs, because the reason for their failure is over.
        """
        for each in work:
            each.result()
        self._watchers.wait_for_ends(DISTURBED_TIMEOUT_SECONDS)
        self._rig.heal()
        self._watchers.wait_for_ends(HEALED_TIMEOUT_SECONDS)
        for tenant, code in self._watchers.take_failed():
            self._timeline.occurred["failed, then resumed"] += 1
            self._caller.resume(tenant, code)
        self._watchers.wait_for_ends(HEALED_TIMEOUT_SECONDS)

    def _fire_maintenance(self) -> None:
        while not self._over.wait(MAINTENANCE_SECONDS):
            self._rig.fire_maintenance()

    def _start_first(self) -> None:
        self._caller.start(self._schedule.body, NORTHWIND, self._key)

    def _steps(self) -> list[tuple[Event, Moment, Callable[[], None]]]:
        steps: list[tuple[Event, Moment, Callable[[], None]]] = []
        for number, event in enumerate(self._schedule.events):
            match event:
                case Kill(target, at, seconds):
                    steps.append((event, at, self._kill(target, seconds)))
                case SourceFault(kind, at, seconds):
                    steps.append((event, at, self._disturb_source(kind, seconds)))
                case ClockJump(at, seconds):
                    steps.append((event, at, partial(self._rig.jump_clock, seconds)))
                case Call(action, at):
                    steps.append((event, at, partial(self._call, action, number)))
                case StorageFault() | ReceiverFault():
                    pass
        return steps

    def _at(self, event: Event, moment: Moment, act: Callable[[], None]) -> None:
        """Wait for the moment of an event, then carry it out.

        If all jobs have ended by then, the event is skipped unless it is a call, because it could disturb nothing.
        """
        deadline = time.monotonic() + MOMENT_TIMEOUT_SECONDS
        while self._record.done[RECORDED_PAGE] < moment.pages and time.monotonic() < deadline:
            if self._watchers.all_have_ended():
                break
            time.sleep(0.005)
        time.sleep(moment.seconds)
        if isinstance(event, Call) or not self._watchers.all_have_ended():
            self._timeline.occurred[kind_of(event)] += 1
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

    def _disturb_source(self, kind: SourceEffect, seconds: float) -> Callable[[], None]:
        proxy = self._rig.source_proxy
        begin = {SourceEffect.SLOW: proxy.slow, SourceEffect.STUCK: proxy.block, SourceEffect.CUT: proxy.cut}[kind]

        def act() -> None:
            begin()
            if kind is not SourceEffect.CUT:
                time.sleep(seconds)
                proxy.heal()

        return act

    def _call(self, action: CallerAction, number: int) -> None:
        if action is CallerAction.OTHER_JOB:
            tenant = NORTHWIND if number % 2 else HARBOUR
            self._caller.start_once(self._schedule.body, tenant)
            return
        if action is CallerAction.SAME_KEY:
            same = (self._schedule.body, NORTHWIND, self._key)
            self._at_once(*(lambda: self._caller.start(*same) for _ in range(3)))
            return
        if action is CallerAction.SLOT:
            self._rig.jump_clock(SLOT_SECONDS)
            self._at_once(*(self._rig.fire for _ in range(3)))
            return
        code = self._first_code()
        if code is None:
            return
        if action in (CallerAction.CANCEL, CallerAction.CANCEL_AND_RESUME):
            self._caller.cancel(NORTHWIND, code)
        if action is CallerAction.RESUME_TWICE:
            self._at_once(*(lambda: self._caller.resume(NORTHWIND, code) for _ in range(2)))
        elif action in (CallerAction.RESUME, CallerAction.CANCEL_AND_RESUME):
            self._caller.resume(NORTHWIND, code)

    def _first_code(self) -> str | None:
        """Return the code of the first job as soon as its caller knows it; None if that takes too long."""
        deadline = time.monotonic() + MOMENT_TIMEOUT_SECONDS
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
