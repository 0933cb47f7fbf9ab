"""Finds what contradicts itself in a manifest. Such a manifest proves nothing, whatever the bytes of the file are."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from functools import cache
from itertools import pairwise
from typing import Any

Piece = Mapping[str, Any]

_POLYNOMIAL = 0xEDB88320
_ONE, _X = 1 << 31, 1 << 30
"""CRC-32 as polynomials over GF(2), with reflected bits, as zlib's `crc32_combine` takes them. The service combines in
the same way (`exports/file/crc32.py`), but this package must not need the service."""


def contradictions(manifest: Mapping[str, Any]) -> Iterator[str]:
    """Yield what contradicts itself, in words that continue a sentence.

    Raises:
        KeyError, TypeError, ValueError: The document is no manifest.
    """
    pages: Sequence[Piece] = manifest["pages"]
    frames: Sequence[Piece] = manifest.get("frames") or ()
    sums = sum(page["rows"] for page in pages), sum(piece["bytes"] for piece in (*pages, *frames))
    if sums != (manifest["rows"], manifest["bytes"]):
        yield "its totals are not the sums of its pages"
    if not _tile(pages):
        yield "its key ranges leave a gap or overlap"
    yield from _of_the_order(manifest, pages)
    if manifest.get("recountedRows") is None and manifest.get("countedRows") not in (None, manifest["rows"]):
        yield "its clients are not as many as were counted"
    places = [frame["beforePage"] for frame in frames]
    if places != sorted(places) or any(place > len(pages) for place in places):
        yield "it has a frame where no page is"
    elif _has_another_crc32(in_file_order(pages, frames), manifest.get("crc32")):
        yield "the CRC-32 of its pages is not that of the whole"


def _of_the_order(manifest: Mapping[str, Any], pages: Sequence[Piece]) -> Iterator[str]:
    """Yield what contradicts that the order of the pages was checked."""
    if manifest.get("keyOrder") == "OnePage" and len(pages) > 1:
        yield "it has several pages, but says that one page holds all"
    has_codes = all(not page["rows"] or None not in (page.get("firstCode"), page.get("lastCode")) for page in pages)
    if manifest.get("keyOrder") == "RankedBySource" and not has_codes:
        yield "a page whose order was checked has no codes"


def in_file_order(pages: Sequence[Piece], frames: Sequence[Piece]) -> list[Piece]:
    """Return pages and frames in the order in which they make up the file."""
    placed = [(page["page"], 1, page) for page in pages] + [(frame["beforePage"], 0, frame) for frame in frames]
    return [piece for _, _, piece in sorted(placed, key=lambda each: each[:2])]


def _tile(pages: Sequence[Piece]) -> bool:
    """Say whether every code lies in exactly one of the key ranges."""
    starts = [page["start"] for page in pages]
    is_open = bool(pages) and starts[0] is None and pages[-1]["stop"] is None
    joins = all(page["stop"] == after["start"] for page, after in pairwise(pages))
    is_numbered = [page["page"] for page in pages] == [*range(len(pages))]
    return is_open and joins and is_numbered and len(set(starts)) == len(starts)


def _has_another_crc32(pieces: Sequence[Piece], crc32: str | None) -> bool:
    """Combine the CRC-32s of all pages and frames, if older versions have not left some out, and compare the result."""
    whole = 0
    for piece in pieces:
        if piece.get("crc32") is None:
            return False
        whole = _times(_power_of_x(8 * piece["bytes"]), whole) ^ int(piece["crc32"], 16)
    return f"{whole:08x}" != crc32


def _times(a: int, b: int) -> int:
    """Multiply modulo the polynomial."""
    product = 0
    while a:
        if a & _ONE:
            product ^= b
        a = (a << 1) & 0xFFFFFFFF
        b = (b >> 1) ^ (_POLYNOMIAL if b & 1 else 0)
    return product


def _power_of_x(exponent: int) -> int:
    """Return x^exponent modulo the polynomial, by repeated squaring."""
    power, square = _ONE, 0
    while exponent:
        if exponent & 1:
            power = _times(_squared(square), power)
        exponent >>= 1
        square += 1
    return power


@cache
def _squared(times: int) -> int:
    """Return x, squared this many times."""
    return _times(_squared(times - 1), _squared(times - 1)) if times else _X
