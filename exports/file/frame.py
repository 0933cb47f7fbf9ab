"""Frames: the blocks that a format puts between the pages of a file.

A CSV file consists of its pages and has no frames. A workbook has a frame before its first page, one where a sheet ends
and the next one begins, and one after its last page. Frames depend only on the plan and on the records of the pages, so
a step that runs twice makes the same frames.
"""

from __future__ import annotations

import zlib
from collections import deque
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Protocol, TypeVar

from exports.file.block_ids import digest, frame_block_id


class Between(Protocol):
    """What stands between pages: a frame, or its description in a manifest."""

    @property
    def before_page(self) -> int:
        """The page that follows, counted from 0; the number of pages after the last page."""


Page = TypeVar("Page")
Placed = TypeVar("Placed", bound=Between)


@dataclass(frozen=True)
class Frame:
    """A block between pages.

    Attributes:
        before_page: The page that follows, counted from 0; the number of pages for the frame after the last page.
        data: Its bytes.
    """

    before_page: int
    data: bytes

    @cached_property
    def sha256(self) -> str:
        """Hex digest of the bytes."""
        return digest(self.data)

    @cached_property
    def crc32(self) -> int:
        """CRC-32 of the bytes."""
        return zlib.crc32(self.data)

    @property
    def bytes(self) -> int:
        """Number of the bytes."""
        return len(self.data)

    @property
    def block(self) -> str:
        """Id of the block. Like the id of a page's block it follows from the place and the content."""
        return frame_block_id(self.before_page, self.sha256)


def in_file_order(pages: Sequence[Page], frames: Sequence[Placed]) -> Iterator[Page | Placed]:
    """Yield pages and frames in the order in which they make up the file.

    Args:
        frames: In the order of the pages that follow them. From one on that stands where no page is, they are left out.
    """
    left = deque(frames)
    for number in range(len(pages) + 1):
        while left and left[0].before_page == number:
            yield left.popleft()
        if number < len(pages):
            yield pages[number]
