"""The parts of a ZIP archive around its data (PKWARE, "APPNOTE.TXT", version 6.3.10).

An archive is put together from entries whose data exist already, so that every header has exact sizes. All times are
the first one that ZIP knows: equal data give equal archives.
"""

from __future__ import annotations

import struct
from collections.abc import Sequence
from dataclasses import dataclass

STORED, DEFLATED = 0, 8
_LARGE = 0xFFFF_FFFF
"""Sizes and offsets from here on stand in a ZIP64 field (4.5.3)."""

_MANY = 0xFFFF
_TIME, _DATE = 0, 1 << 5 | 1  # midnight, 1 January 1980
_VERSION, _VERSION_64 = 20, 45


@dataclass(frozen=True, slots=True)
class ZipEntry:
    """One file of an archive.

    Attributes:
        offset: Where its local header begins in the archive.
        method: `STORED` or `DEFLATED`.
        packed_bytes, plain_bytes: Length of its data in the archive, and after decompression.
        crc32: CRC-32 of the decompressed data.
    """

    name: str
    offset: int
    method: int
    packed_bytes: int
    plain_bytes: int
    crc32: int

    def local_header(self) -> bytes:
        """Return what stands before the data. With ZIP64, the field holds both sizes (4.5.3)."""
        extra = _zip64(self.plain_bytes, self.packed_bytes) if self._is_large else b""
        name = self.name.encode("ascii")
        return (
            struct.pack("<4s5H3L2H", b"PK\3\4", self._version, 0, *self._common, *self._sizes, len(name), len(extra))
            + name
            + extra
        )

    def directory_entry(self) -> bytes:
        """Return the entry in the central directory."""
        is_far = self.offset >= _LARGE
        large = [self.plain_bytes, self.packed_bytes] if self._is_large else []
        extra = _zip64(*large, *([self.offset] if is_far else []))
        version = _VERSION_64 if extra else _VERSION
        name = self.name.encode("ascii")
        offset = _LARGE if is_far else self.offset
        head = struct.pack("<4s6H3L", b"PK\1\2", version, version, 0, *self._common, *self._sizes)
        return head + struct.pack("<5H2L", len(name), len(extra), 0, 0, 0, 0, offset) + name + extra

    @property
    def _is_large(self) -> bool:
        return max(self.packed_bytes, self.plain_bytes) >= _LARGE

    @property
    def _version(self) -> int:
        return _VERSION_64 if self._is_large else _VERSION

    @property
    def _common(self) -> tuple[int, int, int]:
        return self.method, _TIME, _DATE

    @property
    def _sizes(self) -> tuple[int, int, int]:
        if self._is_large:
            return self.crc32, _LARGE, _LARGE
        return self.crc32, self.packed_bytes, self.plain_bytes


def _zip64(*numbers: int) -> bytes:
    return struct.pack(f"<2H{len(numbers)}Q", 1, 8 * len(numbers), *numbers) if numbers else b""


def central_directory(entries: Sequence[ZipEntry], offset: int) -> bytes:
    """Return the end of an archive. `offset`: where it begins."""
    directory = b"".join(entry.directory_entry() for entry in entries)
    count, size = len(entries), len(directory)
    large = b""
    if offset >= _LARGE or size >= _LARGE or count >= _MANY:
        large = struct.pack("<4sQ2H2L4Q", b"PK\6\6", 44, _VERSION_64, _VERSION_64, 0, 0, count, count, size, offset)
        large += struct.pack("<4sLQL", b"PK\6\7", 0, offset + size, 1)
    few = min(count, _MANY)
    end = struct.pack("<4s4H2LH", b"PK\5\6", 0, 0, few, few, min(size, _LARGE), min(offset, _LARGE), 0)
    return directory + large + end
