"""Some clients from all over a selection, by which its pages are planned: what they come to, and how slow they are."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass

from exports.csv.rows import CsvRows
from exports.ports import Boundaries, ClientSelection, KeyRange
from exports.services import Services

_ROWS = 50
_PLACES = 8
_SLOW_SECONDS = 0.1
"""Beyond what any statement takes: two milliseconds a client, hundreds of times what a usual source needs. Below that
the longest page, of 100,000 clients, still ends within the statement's time-out."""


@dataclass(frozen=True, slots=True)
class Sample:
    """Some neighbouring clients.

    Attributes:
        data: Their records.
        seconds: What the source took to give them.
    """

    rows: int
    data: bytes
    seconds: float


class Sampler:
    """Takes samples of one selection."""

    def __init__(self, services: Services, selection: ClientSelection, rows: CsvRows) -> None:
        self.selection = selection
        self._services = services
        self._rows = rows

    def take_first(self) -> Sample:
        """Render the first clients."""
        (first,) = self._take([KeyRange()], _ROWS)
        return first

    def take_all_over(self, strides: Boundaries) -> Iterator[tuple[int, Sample]]:
        """Render clients at places spread over the key space, by stride: those of other times may differ in size."""
        count = len(strides.starts)
        places = sorted({count * place // _PLACES for place in range(1, _PLACES + 1)} - {0})
        key_ranges = [KeyRange(strides.starts[stride - 1]) for stride in places]
        if places:  # without any, the source would be connected to for nothing
            yield from zip(places, self._take(key_ranges, _ROWS), strict=True)

    def seconds_of_slow_clients(self, strides: Boundaries, samples: Mapping[int, Sample]) -> float:
        """Say how long the source takes for each client, if that is long; 0.0 for all usual sources.

        The median sample decides, so a few slow places do not. What any statement takes there, such as a sort, is found
        by asking for one client, and left out: it does not grow with a page. The first sample, which may have had to
        connect, does not count.
        """
        whole = {stride: sample for stride, sample in samples.items() if stride and sample.rows == _ROWS}
        timed = sorted((sample.seconds, stride) for stride, sample in whole.items())
        if not timed:
            return 0.0
        seconds, stride = timed[(len(timed) - 1) // 2]
        if seconds < _SLOW_SECONDS:
            return 0.0
        (single,) = self._take([KeyRange(strides.starts[stride - 1])], 1)
        beyond = seconds - single.seconds
        return beyond / (_ROWS - 1) if beyond >= _SLOW_SECONDS else 0.0

    def _take(self, key_ranges: Iterable[KeyRange], rows_of_each: int) -> Iterator[Sample]:
        now = self._services.now
        began = now()
        for sample in self._services.clients.sample(self.selection, key_ranges, rows_of_each):
            seconds = (now() - began).total_seconds()
            yield Sample(len(sample), self._rows.render(sample), seconds)
            began = now()
