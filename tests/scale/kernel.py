"""A kernel of discrete events: processes are generators that wait for a moment, for a slot, or for other processes."""

from __future__ import annotations

import heapq
from collections import deque
from collections.abc import Callable, Generator, Iterable
from functools import partial
from itertools import count
from typing import TypeVar

T = TypeVar("T")
Part = Generator["float | Slots | Group", None, T]
"""Yields a moment to go on at, slots to get one of, or a group whose processes are to end."""

Process = Part[None]


class Slots:
    """Places of which each process takes one at a time, first come, first served; more may open later."""

    def __init__(self, name: str) -> None:
        self.name = name
        self.opened = 0
        self.taken = 0
        self.busy_seconds = 0.0
        self.waiting: deque[tuple[float, Process]] = deque()
        self.waited_seconds = 0.0


class Group:
    """Processes that are waited for together."""

    def __init__(self, processes: Iterable[Process]) -> None:
        self.processes = list(processes)
        self.left = len(self.processes)
        self.waiter: Process | None = None


class Station:
    """Passes so many units a second, one process after the other."""

    def __init__(self, name: str, units_per_second: float) -> None:
        self.name = name
        self.units_per_second = units_per_second
        self.units = 0.0
        self.waited_seconds = 0.0
        self._free = 0.0

    def passed(self, now: float, units: float = 1.0) -> float:
        """When a process that comes now is through."""
        began = max(now, self._free)
        self._free = began + units / self.units_per_second
        self.units += units
        self.waited_seconds += began - now
        return self._free

    def utilisation(self, seconds: float) -> float:
        """The part of its capacity that was used in the time from the start."""
        return self.units / self.units_per_second / seconds if seconds else 0.0


class Simulation:
    """The clock, and what is to happen."""

    def __init__(self) -> None:
        self.now = 0.0
        self._events: list[tuple[float, int, Callable[[], None]]] = []
        self._numbers = count()
        self._groups: dict[int, Group] = {}

    def start(self, process: Process, at: float = 0.0, group: Group | None = None) -> None:
        """Let a process begin."""
        if group is not None:
            self._groups[id(process)] = group
        self._at(at, partial(self._go_on, process))

    def open(self, slots: Slots, places: int, at: float) -> None:
        """Open more slots at a moment."""

        def opening() -> None:
            slots.opened += places
            self._serve(slots)

        self._at(at, opening)

    def free(self, slots: Slots, taken_at: float) -> None:
        """Give a slot back."""
        slots.taken -= 1
        slots.busy_seconds += self.now - taken_at
        self._serve(slots)

    def run(self) -> float:
        """Let everything happen; when the last thing did."""
        while self._events:
            self.now, _, happen = heapq.heappop(self._events)
            happen()
        return self.now

    def _at(self, moment: float, happen: Callable[[], None]) -> None:
        heapq.heappush(self._events, (max(moment, self.now), next(self._numbers), happen))

    def _resume(self, process: Process, at: float) -> None:
        self._at(at, partial(self._go_on, process))

    def _go_on(self, process: Process) -> None:
        try:
            wanted = next(process)
        except StopIteration:
            self._ended(process)
            return
        if isinstance(wanted, Slots):
            wanted.waiting.append((self.now, process))
            self._serve(wanted)
        elif isinstance(wanted, Group):
            self._wait_for(wanted, process)
        else:
            self._resume(process, wanted)

    def _wait_for(self, group: Group, process: Process) -> None:
        group.waiter = process
        if not group.left:
            self._resume(process, self.now)
        for member in group.processes:
            self.start(member, self.now, group)

    def _ended(self, process: Process) -> None:
        group = self._groups.pop(id(process), None)
        if group is not None:
            group.left -= 1
            if not group.left and group.waiter is not None:
                self._resume(group.waiter, self.now)

    def _serve(self, slots: Slots) -> None:
        while slots.waiting and slots.taken < slots.opened:
            since, process = slots.waiting.popleft()
            slots.taken += 1
            slots.waited_seconds += self.now - since
            self._resume(process, self.now)
