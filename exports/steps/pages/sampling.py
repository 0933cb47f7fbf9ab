"""Read samples of a selection's clients, spread over the key space.

A pass over the keys divides them into strides, which are short key ranges. Samples begin at the starts of some strides.
Planning judges by the samples how large the records are and how slow the source is. An estimate judges by samples from
the same places how large the file gets and which cells would change.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from itertools import chain

from exports.file.ranges import Boundaries, KeyRange
from exports.file.renderer import Records, Renderer, Row, render_rows
from exports.ports.clients import ClientSelection, released
from exports.services import Services

_ROWS = 50
_STEPS = 8
"""Samples begin at the first stride, at the last stride and at seven strides between them."""

_SLOW_SECONDS = 0.1
"""A sample has slow clients if it takes this long beyond the fixed cost of a statement: two milliseconds a client,
hundreds of times as long as usual. Below that, the longest page of 100,000 clients still ends within the statement's
time-out."""

_SLOW_FIRST_SECONDS = 0.5
"""The same for the first sample, which may have to wait for a connection."""


@dataclass(frozen=True, slots=True)
class Sample:
    """Some neighbouring clients.

    Attributes:
        start: The code that the sample was requested from; None for the beginning of the key space.
        seconds: How long the source took.
        rows: The clients themselves.
    """

    start: str | None
    records: Records
    seconds: float
    rows: Sequence[Row] = ()

    @property
    def may_be_slow(self) -> bool:
        """Say of the first sample whether it took long. The clients may be slow, or only the connecting."""
        return self.seconds > _SLOW_FIRST_SECONDS

    @property
    def is_quick(self) -> bool:
        """Say of the first sample whether its clients are surely not slow, although it may have waited to connect."""
        return self.seconds < _SLOW_SECONDS


@dataclass(frozen=True, slots=True)
class Samples:
    """Samples from all over the key space.

    Attributes:
        by_stride: Records, by the number of the stride at whose start the sample begins.
        client_seconds: How long the source takes for each client, if it is slow; 0.0 for all usual sources.
    """

    by_stride: Mapping[int, Records]
    client_seconds: float


def sampled_strides(strides: Boundaries) -> list[int]:
    """Choose the strides where samples begin, counted from 0: at most nine, evenly spread."""
    last = len(strides.starts)
    return sorted({last * step // _STEPS for step in range(_STEPS + 1)})


class Sampler:
    """Reads samples of one selection."""

    def __init__(self, services: Services, selection: ClientSelection, renderer: Renderer) -> None:
        self.selection = selection
        self._services = services
        self._renderer = renderer

    def read_rows(self, strides: Boundaries, max_rows: int) -> list[Row]:
        """Read clients at every sampled stride: `max_rows` at most, or all if there are few.

        Key ranges reach from one sampled stride to the next, so no client is read twice.
        """
        starts = [None if stride == 0 else strides.starts[stride - 1] for stride in sampled_strides(strides)]
        key_ranges = map(KeyRange, starts, [*starts[1:], None])
        samples = self._services.clients.sample(self.selection, key_ranges, max_rows // len(starts))
        return [*chain.from_iterable(samples)]

    def take_first(self) -> Sample:
        """Render the first clients."""
        (first,) = self._take([None], _ROWS)
        return first

    def take_all_over(self, strides: Boundaries, first: Sample) -> Samples:
        """Render clients at every sampled stride, because clients of different periods may differ in size.

        The source reads all samples at once, which takes the least time. If that takes so long that the clients may be
        slow, the samples are read again one by one, to time each of them.
        """
        _, *others = sampled_strides(strides)
        if not others:  # spares the source a connection
            return Samples({0: first.records}, 0.0)
        starts = [strides.starts[stride - 1] for stride in others]
        if first.may_be_slow:
            timed = self._take(starts, _ROWS)
            found = [sample.records for sample in timed]
        else:
            began = self._services.clock()
            found = [*self._services.clients.render_samples(self.selection, starts, _ROWS, self._renderer)]
            seconds = self._services.clock() - began
            full = [start for start, records in zip(starts, found, strict=True) if records.rows == _ROWS]
            timed = self._take(full, _ROWS) if seconds >= _min_slow_seconds(len(full)) else []
        by_stride = dict(zip(others, found, strict=True))
        return Samples({0: first.records, **by_stride}, self._seconds_of_slow_clients(timed))

    def _seconds_of_slow_clients(self, samples: Iterable[Sample]) -> float:
        """Return how long the source takes for each client, or 0.0 if the source is not slow.

        The median sample decides, so a few slow ranges do not count. The fixed cost of a statement, such as a sort, is
        measured by reading one client, and subtracted, because it does not grow with a page. The first sample is left
        out, because it may include the time to connect.
        """
        full = (sample for sample in samples if sample.records.rows == _ROWS)
        timed = sorted(full, key=lambda sample: sample.seconds)
        if not timed:
            return 0.0
        median = timed[(len(timed) - 1) // 2]
        if median.seconds < _SLOW_SECONDS:
            return 0.0
        (single,) = self._take([median.start], 1)
        variable_seconds = median.seconds - single.seconds
        return variable_seconds / (_ROWS - 1) if variable_seconds >= _SLOW_SECONDS else 0.0

    def _take(self, starts: Sequence[str | None], rows_of_each: int) -> list[Sample]:
        """Render samples one by one, and time each."""
        clock = self._services.clock
        taken: list[Sample] = []
        began = clock()
        with released(self._services.clients.sample(self.selection, map(KeyRange, starts), rows_of_each)) as samples:
            for start, rows in zip(starts, samples, strict=True):
                seconds = clock() - began
                taken.append(Sample(start, Records(len(rows), render_rows(rows, self._renderer)), seconds, rows))
                began = clock()
        return taken


def _min_slow_seconds(samples: int) -> float:
    """Return how long this many samples take at least if the median of them is slow."""
    return _SLOW_SECONDS * (samples - (samples - 1) // 2)
