"""A kernel for discrete-event simulation. A process is a generator that waits for a moment, a slot or a group."""

from __future__ import annotations

import heapq
from collections import deque
from collections.abc import Callable, Generator, Iterable
from functools import partial
from itertools import count
from typing import TypeVar

T = TypeVar("T")
Subprocess = Generator["float | Slots | Group", None, T]
"""Yields a moment at which to continue, `Slots` of which to take one, or a `Group` whose end to wait for."""

Process = Subprocess[None]


class Slots:
    """A resource with slots. Each process takes one at a time, first come, first served. More slots may open later."""

    def __init__(self, name: str) -> None:
        self.name = name
        self.opened = 0
        self.taken = 0
        self.busy_seconds = 0.0
        self.waiting: deque[tuple[float, Process]] = deque()
        self.waited_seconds = 0.0


class Group:
    """Processes that run together. The process that yields the group continues when all of them have ended."""

    def __init__(self, processes: Iterable[Process]) -> None:
        self.processes = list(processes)
        self.running = len(self.processes)
        self.waiter: Process | None = None


class Station:
    """A limit: serves a fixed number of units a second, one process after the other."""

    def __init__(self, name: str, units_per_second: float) -> None:
        self.name = name
        self.units_per_second = units_per_second
        self.units = 0.0
        self.waited_seconds = 0.0
        self._free_at = 0.0

    def serve(self, now: float, units: float = 1.0) -> float:
        """Serve a process that arrives now; return the moment when it is done."""
        began = max(now, self._free_at)
        self._free_at = began + units / self.units_per_second
        self.units += units
        self.waited_seconds += began - now
        return self._free_at

    def utilisation(self, seconds: float) -> float:
        """Return the share of the capacity that was used in the first `seconds`."""
        return self.units / self.units_per_second / seconds if seconds else 0.0


class Simulation:
    """The clock, and the events that are still to happen."""

    def __init__(self) -> None:
        self.now = 0.0
        self._events: list[tuple[float, int, Callable[[], None]]] = []
        self._numbers = count()
        self._groups: dict[int, Group] = {}

    def start(self, process: Process, at: float = 0.0, group: Group | None = None) -> None:
        """Start a process at a moment, as a member of a group if one is given."""
        if group is not None:
            self._groups[id(process)] = group
        self._at(at, partial(self._advance, process))

    def open(self, slots: Slots, number: int, at: float) -> None:
        """Open more slots at a moment."""

        def open_now() -> None:
            slots.opened += number
            self._hand_out(slots)

        self._at(at, open_now)

    def free(self, slots: Slots, taken_at: float) -> None:
        """Give a slot back that was taken at this moment."""
        slots.taken -= 1
        slots.busy_seconds += self.now - taken_at
        self._hand_out(slots)

    def run(self) -> float:
        """Run until no event is left; return the moment of the last one."""
        while self._events:
            self.now, _, action = heapq.heappop(self._events)
            action()
        return self.now

    def _at(self, moment: float, action: Callable[[], None]) -> None:
        heapq.heappush(self._events, (max(moment, self.now), next(self._numbers), action))

    def _resume(self, process: Process, at: float) -> None:
        self._at(at, partial(self._advance, process))

    def _advance(self, process: Process) -> None:
        try:
            wanted = next(process)
        except StopIteration:
            self._end(process)
            return
        if isinstance(wanted, Slots):
            wanted.waiting.append((self.now, process))
            self._hand_out(wanted)
        elif isinstance(wanted, Group):
            self._wait_for(wanted, process)
        else:
            self._resume(process, wanted)

    def _wait_for(self, group: Group, process: Process) -> None:
        group.waiter = process
        if not group.running:
            self._resume(process, self.now)
        for member in group.processes:
            self.start(member, self.now, group)

    def _end(self, process: Process) -> None:
        group = self._groups.pop(id(process), None)
        if group is not None:
            group.running -= 1
            if not group.running and group.waiter is not None:
                self._resume(group.waiter, self.now)

    def _hand_out(self, slots: Slots) -> None:
        while slots.waiting and slots.taken < slots.opened:
            since, process = slots.waiting.popleft()
            slots.taken += 1
            slots.waited_seconds += self.now - since
            self._resume(process, self.now)
