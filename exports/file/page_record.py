"""What the ledger keeps of a staged page."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    pass


@dataclass(frozen=True, slots=True)
class PageRecord:
    """What a staged page holds; the proof of a file is the sum of these.

    Attributes:
        page: Counted from 0.
        sha256: Hex digest of the bytes staged.
        block: Id of the block; empty when the page has no bytes, for there are no empty blocks.
        crc32: CRC-32 of the bytes staged (`exports.file.crc32`); None in records of older versions.
        attempt: The attempt of the job that wrote the page; None in records of older versions.
    """

    page: int
    rows: int
    bytes: int
    sha256: str
    block: str
    crc32: int | None = None
    attempt: int | None = None
