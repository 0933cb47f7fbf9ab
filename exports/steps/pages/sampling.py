"""Some clients from all over a selection, by which its pages are planned: what they come to, and how slow they are."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from exports.file.ranges import Boundaries, KeyRange
from exports.file.renderer import Records, Renderer
from exports.ports.clients import ClientSelection
from exports.services import Services

_ROWS = 50
_PLACES = 8
_SLOW_SECONDS = 0.1
"""Beyond what any statement takes: two milliseconds a client, hundreds of times what a usual source needs. Below that
the longest page, of 100,000 clients, still ends within the statement's time-out."""

_SLOW_FIRST_SECONDS = 0.5
"""As `_SLOW_SECONDS`, of the first sample, for which the source may have to be connected to."""


@dataclass(frozen=True, slots=True)
class Sample:
    """Some neighbouring clients.

    Attributes:
        start: Code that they were asked for from; None for the first of all.
        seconds: What the source took to give them.
    """

    start: str | None
    records: Records
    seconds: float

    @property
    def may_be_slow(self) -> bool:
        """Say of the first sample whether it took long, be it for its clients or to connect."""
        return self.seconds > _SLOW_FIRST_SECONDS


@dataclass(frozen=True, slots=True)
class Samples:
    """Clients from all over.

    Attributes:
        by_stride: Records by the stride that they begin.
        client_seconds: How long the source takes for each client, if that is long; 0.0 for all usual sources.
    """

    by_stride: Mapping[int, Records]
    client_seconds: float


class Sampler:
    """Takes samples of one selection."""

    def __init__(self, services: Services, selection: ClientSelection, renderer: Renderer) -> None:
        self.selection = selection
        self._services = services
        self._renderer = renderer

    def take_first(self) -> Sample:
        """Render the first clients."""
        (first,) = self._take([None], _ROWS)
        return first

    def take_all_over(self, strides: Boundaries, first: Sample) -> Samples:
        """Render clients at places spread over the key space as well: those of other times may differ in size.

        All at once, for that takes least; where it takes so long that clients may be slow, one by one, to time each.
        """
        count = len(strides.starts)
        places = sorted({count * place // _PLACES for place in range(1, _PLACES + 1)} - {0})
        if not places:  # the source would be connected to for nothing
            return Samples({0: first.records}, 0.0)
        starts = [strides.starts[stride - 1] for stride in places]
        if first.may_be_slow:
            timed = self._take(starts, _ROWS)
            found = [sample.records for sample in timed]
        else:
            began = self._services.now()
            found = [*self._services.clients.render_samples(self.selection, starts, _ROWS, self._renderer)]
            seconds = (self._services.now() - began).total_seconds()
            whole = [start for start, records in zip(starts, found, strict=True) if records.rows == _ROWS]
            timed = self._take(whole, _ROWS) if seconds >= _least_if_slow(len(whole)) else []
        by_stride = dict(zip(places, found, strict=True))
        return Samples({0: first.records, **by_stride}, self._seconds_of_slow_clients(timed))

    def _seconds_of_slow_clients(self, samples: Iterable[Sample]) -> float:
        """Say how long the source takes for each client.

        The median sample decides, so a few slow places do not. What any statement takes there, such as a sort, is found
        by asking for one client, and left out: it does not grow with a page. The first sample, which may have had to
        connect, does not count.
        """
        whole = (sample for sample in samples if sample.records.rows == _ROWS)
        timed = sorted(whole, key=lambda sample: sample.seconds)
        if not timed:
            return 0.0
        median = timed[(len(timed) - 1) // 2]
        if median.seconds < _SLOW_SECONDS:
            return 0.0
        (single,) = self._take([median.start], 1)
        beyond = median.seconds - single.seconds
        return beyond / (_ROWS - 1) if beyond >= _SLOW_SECONDS else 0.0

    def _take(self, starts: Sequence[str | None], rows_of_each: int) -> list[Sample]:
        """Render samples one by one, and time each."""
        now = self._services.now
        taken: list[Sample] = []
        began = now()
        samples = self._services.clients.sample(self.selection, map(KeyRange, starts), rows_of_each)
        for start, rows in zip(starts, samples, strict=True):
            seconds = (now() - began).total_seconds()
            taken.append(Sample(start, Records(len(rows), self._renderer.render(rows)), seconds))
            began = now()
        return taken


def _least_if_slow(samples: int) -> float:
    """Say how many seconds so many samples take at least if the median of them is slow."""
    return _SLOW_SECONDS * (samples - (samples - 1) // 2)
