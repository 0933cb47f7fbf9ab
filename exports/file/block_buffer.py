"""The bytes of a block while they come.

What a page takes of memory: at most `MEMORY_BYTES`, whatever its clients turn out to hold; beyond that they lie in a
temporary file. Blocks are planned to be of at most `EXPORT_BLOCK_BYTES`, 8 MiB, so that is the exception: clients much
larger than those the plan has seen. A worker takes that for every page it writes at a time.
"""

from __future__ import annotations

import hashlib
import tempfile
import zlib
from types import TracebackType
from typing import BinaryIO, Self, cast

MEMORY_BYTES = 16 * 1024 * 1024


class BlockContent:
    """Collects bytes and what proves them; a context, which removes the file if there is one."""

    def __init__(self, memory_bytes: int = MEMORY_BYTES) -> None:
        self._memory_bytes = memory_bytes
        self._parts: list[bytes] = []
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
        """Hex digest of what was added."""
        return self._sha256.hexdigest()

    def add(self, data: bytes) -> None:
        """Append some bytes."""
        self.bytes += len(data)
        self._sha256.update(data)
        self.crc32 = zlib.crc32(data, self.crc32)
        if self._file:
            self._file.write(data)
            return
        self._parts.append(data)
        if self.bytes > self._memory_bytes:
            self._file = cast(BinaryIO, tempfile.TemporaryFile())  # noqa: SIM115 - closed with the content
            self._file.writelines(self._parts)
            self._parts.clear()

    def body(self) -> list[bytes] | BinaryIO:
        """All that was added: as pieces, or as a file to be read from its beginning."""
        if self._file is None:
            return self._parts
        self._file.seek(0)
        return self._file
