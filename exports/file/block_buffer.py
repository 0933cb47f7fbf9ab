"""Collect the bytes of a block: in memory, or in a temporary file if there are many.

A block is planned to have about `EXPORT_BLOCK_BYTES` (16 MiB), so it usually stays in memory. It outgrows the memory if
clients are larger than those sampled for the plan, or if `EXPORT_BLOCK_BYTES` is larger. A worker needs up to
`MEMORY_BYTES` for each page that it writes at the same time, and as much again while it publishes a file in one
request.
"""

from __future__ import annotations

import hashlib
import tempfile
from types import TracebackType
from typing import BinaryIO, Self, cast

from exports.file.crc32 import crc32_of

MEMORY_BYTES = 24 * 1024 * 1024


class BlockBuffer:
    """Collects bytes and computes their digests. A context manager, which removes the temporary file if there is one.

    Attributes:
        crc32: CRC-32 of the bytes so far.
        bytes: Number of the bytes so far.
    """

    def __init__(self, memory_bytes: int = MEMORY_BYTES) -> None:
        self._memory_bytes = memory_bytes
        self._pieces: list[bytes] = []
        self._file: BinaryIO | None = None
        self._sha256 = hashlib.sha256()
        self.crc32 = 0
        self.bytes = 0

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._file:
            self._file.close()

    @property
    def sha256(self) -> str:
        """Hex digest of the bytes so far."""
        return self._sha256.hexdigest()

    def add(self, data: bytes) -> None:
        """Append some bytes."""
        self.bytes += len(data)
        self._sha256.update(data)
        self.crc32 = crc32_of(data, self.crc32)
        if self._file:
            self._file.write(data)
            return
        self._pieces.append(data)
        if self.bytes > self._memory_bytes:
            self._file = cast(BinaryIO, tempfile.TemporaryFile())  # noqa: SIM115 - closed on exit
            self._file.writelines(self._pieces)
            self._pieces.clear()

    def body(self) -> list[bytes] | BinaryIO:
        """Return all bytes: as pieces, or as a file positioned at its beginning."""
        if self._file is None:
            return self._pieces
        self._file.seek(0)
        return self._file
