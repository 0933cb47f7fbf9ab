"""Packs and reads the frames between the host and a worker: a JSON header and a raw body, each preceded by its length.

Bodies stay bytes from end to end. So a request of 100 MB is copied, but never encoded.
"""

import json
import socket
import struct
from collections.abc import Iterator
from typing import Any

Header = dict[str, Any]

_LENGTHS = struct.Struct("!IQ")


def pack(header: Header, body: bytes = b"") -> bytes:
    """Return one frame, ready to send."""
    text = json.dumps(header).encode()
    return b"".join((_LENGTHS.pack(len(text), len(body)), text, body))


class FrameReader:
    """Collects received bytes, and yields each frame when it is complete."""

    def __init__(self) -> None:
        self._pending = bytearray()

    def feed(self, data: bytes) -> Iterator[tuple[Header, bytes]]:
        """Add `data`, and yield the frames that it completes."""
        self._pending += data
        while (frame := self._next()) is not None:
            yield frame

    def _next(self) -> tuple[Header, bytes] | None:
        if len(self._pending) < _LENGTHS.size:
            return None
        header_bytes, body_bytes = _LENGTHS.unpack_from(self._pending)
        start = _LENGTHS.size
        middle, end = start + header_bytes, start + header_bytes + body_bytes
        if len(self._pending) < end:
            return None
        view = memoryview(self._pending)
        header, body = json.loads(bytes(view[start:middle])), bytes(view[middle:end])
        view.release()
        del self._pending[:end]
        return header, body


def read_frames(channel: socket.socket) -> Iterator[tuple[Header, bytes]]:
    """Yield the frames from a blocking socket until the other side closes it."""
    reader = FrameReader()
    while data := channel.recv(1 << 18):
        yield from reader.feed(data)
