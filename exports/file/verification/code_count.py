"""Count different cells in bounded memory, however many there are.

Each cell is kept as a digest. Digests go into files by their first byte, and a file that is too large for memory is
divided by the next byte.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from contextlib import ExitStack
from hashlib import blake2b
from pathlib import Path
from tempfile import TemporaryDirectory

_DIGEST_BYTES = 16
"""Of a billion different cells, two have the same digest with a probability of one in 10²⁰."""

_MAX_DIGESTS = 10_000
"""How many digests are in memory at a time: one or two MiB with a set of them."""


class DistinctCells:
    """Counts cells, and how many different ones there are. `close` removes its files.

    Attributes:
        cells: How many cells were added.
    """

    def __init__(self) -> None:
        self.cells = 0
        self._waiting: list[bytes] = []
        self._folder: Path | None = None
        self._cleanup = ExitStack()

    def close(self) -> None:
        """Remove the files."""
        self._cleanup.close()

    def add(self, cell: str) -> None:
        """Add a cell."""
        self.cells += 1
        self._waiting.append(blake2b(cell.encode(errors="surrogatepass"), digest_size=_DIGEST_BYTES).digest())
        if len(self._waiting) >= _MAX_DIGESTS:
            self._folder = self._folder or Path(self._cleanup.enter_context(TemporaryDirectory()))
            _divide(self._waiting, self._folder, 0)
            self._waiting.clear()

    def count(self) -> int:
        """Return the number of different cells so far. Nothing can be added any more."""
        if self._folder is None:
            return len(set(self._waiting))
        _divide(self._waiting, self._folder, 0)
        self._waiting.clear()
        return _count_folder(self._folder, 0)


def _divide(digests: Iterable[bytes], folder: Path, place: int) -> None:
    """Append digests to the files of a folder, by the byte at this position."""
    by_byte: dict[int, list[bytes]] = {}
    for digest in digests:
        by_byte.setdefault(digest[place], []).append(digest)
    for byte, some in by_byte.items():
        with (folder / f"{byte:02x}").open("ab") as file:
            file.write(b"".join(some))


def _count_folder(folder: Path, place: int) -> int:
    """Count the different digests in the files of a folder, which were divided by the byte at this position."""
    return sum(_count_file(file, place) for file in folder.iterdir())


def _count_file(path: Path, place: int) -> int:
    if path.stat().st_size <= _MAX_DIGESTS * _DIGEST_BYTES:
        return len(set(_digests(path)))
    if _holds_one_digest(path):
        return 1
    folder = path.with_suffix(".divided")
    folder.mkdir()
    some: list[bytes] = []
    for digest in _digests(path):
        some.append(digest)
        if len(some) >= _MAX_DIGESTS:
            _divide(some, folder, place + 1)
            some.clear()
    _divide(some, folder, place + 1)
    path.unlink()
    return _count_folder(folder, place + 1)


def _holds_one_digest(path: Path) -> bool:
    """Say whether all digests of a file are equal, so that no byte can divide them."""
    digests = _digests(path)
    first = next(digests)
    return all(digest == first for digest in digests)


def _digests(path: Path) -> Iterator[bytes]:
    with path.open("rb") as file:
        while digest := file.read(_DIGEST_BYTES):
            yield digest
