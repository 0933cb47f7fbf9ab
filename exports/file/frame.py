"""Frames: the blocks that a format puts between the pages of a file.

A CSV file consists of its pages and has no frames. A workbook has a frame before its first page, one where a sheet ends
and the next one begins, and one after its last page. Frames depend only on the plan and on the records of the pages, so
a step that runs twice makes the same frames.
"""

from __future__ import annotations

import zlib
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import TypeVar

from exports.file.block_ids import digest, frame_block_id

Page = TypeVar("Page")
Between = TypeVar("Between")


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


def in_file_order(
    pages: Sequence[Page], frames: Sequence[Between], before_pages: Sequence[int]
) -> Iterator[Page | Between]:
    """Yield pages and frames in the order in which they make up the file.

    Args:
        before_pages: For each frame the page that follows it, in rising order.
    """
    places = iter([*zip(before_pages, frames, strict=True), (len(pages) + 1, None)])
    place, frame = next(places)
    for number in range(len(pages) + 1):
        while frame is not None and place == number:
            yield frame
            place, frame = next(places)
        if number < len(pages):
            yield pages[number]
