"""Reads ranges of a copy of a file, and hashes what is read."""

from __future__ import annotations

import hashlib
import io
import zlib
from collections.abc import Callable
from typing import TYPE_CHECKING, BinaryIO, Protocol, cast

if TYPE_CHECKING:
    from _typeshed import WriteableBuffer

PIECE_BYTES = 1024 * 1024
"""How much of a file is in memory at a time, whatever its size."""

_RAW_WINDOW = -15
"""Makes zlib read deflate data without header and trailer."""


class FileBytes(Protocol):
    """A copy of a file. Any range of its bytes can be read."""

    @property
    def size_bytes(self) -> int: ...

    def read(self, start: int, stop: int) -> bytes:
        """Return the bytes `[start, stop)`, as far as the file reaches."""


class SeekableFile(io.RawIOBase):
    """A copy of a file as a stream that can be read from any position."""

    def __init__(self, file: FileBytes) -> None:
        self._file, self._at = file, 0

    def readable(self) -> bool:
        return True

    def seekable(self) -> bool:
        return True

    def seek(self, offset: int, whence: int = io.SEEK_SET) -> int:
        self._at = offset + (0, self._at, self._file.size_bytes)[whence]
        return self._at

    def tell(self) -> int:
        return self._at

    def readinto(self, buffer: WriteableBuffer) -> int:
        view = memoryview(buffer)
        piece = self._file.read(self._at, min(self._at + len(view), self._file.size_bytes))
        view[: len(piece)] = piece
        self._at += len(piece)
        return len(piece)


class HashedRange(io.RawIOBase):
    """A range of a file as a stream. Hashes the bytes that are read and passes them to `on_piece`."""

    def __init__(self, file: FileBytes, start: int, stop: int, on_piece: Callable[[bytes], None]) -> None:
        self._file, self._at, self._stop, self._on_piece = file, start, min(stop, file.size_bytes), on_piece
        self._sha256 = hashlib.sha256()
        self.count = 0

    @property
    def sha256(self) -> str:
        return self._sha256.hexdigest()

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: WriteableBuffer) -> int:
        view = memoryview(buffer)
        piece = self._file.read(self._at, min(self._at + min(len(view), PIECE_BYTES), self._stop))
        view[: len(piece)] = piece
        self._at += len(piece)
        self.count += len(piece)
        self._sha256.update(piece)
        self._on_piece(piece)
        return len(piece)

    def read_rest(self) -> None:
        """Read the rest, so that the digest covers it too."""
        while self.read(PIECE_BYTES):
            pass


class _Inflated(io.RawIOBase):
    """The decompressed bytes of a piece of a deflate stream. Only some of them are in memory at a time."""

    def __init__(self, source: BinaryIO) -> None:
        self._source = source
        self._inflate = zlib.decompressobj(_RAW_WINDOW)

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: WriteableBuffer) -> int:
        view = memoryview(buffer)
        data = b""
        while not data:
            packed = self._inflate.unconsumed_tail or self._source.read(PIECE_BYTES // 16)
            if not packed:
                return 0
            data = self._inflate.decompress(packed, len(view))
        view[: len(data)] = data
        return len(data)


def inflated(source: BinaryIO) -> BinaryIO:
    """Return the decompressed bytes of a piece of a deflate stream, such as a page of a workbook."""
    return cast(BinaryIO, io.BufferedReader(_Inflated(source), PIECE_BYTES))
