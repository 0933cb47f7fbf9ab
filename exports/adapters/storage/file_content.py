"""How the content of a file travels to and from Blob Storage: request bodies, checksums, content types and names."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import PurePosixPath
from urllib.parse import quote, urlsplit

from azure.storage.blob import ContentSettings

_CONTENT_TYPES = {
    ".csv": "text/csv; charset=utf-8",
    ".tsv": "text/tab-separated-values; charset=utf-8",
    ".gz": "application/gzip",
    ".jsonl": "application/x-ndjson",
    ".xlsx": "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet",
}
"""Content types by extension. A compressed file has no `Content-Encoding`: with one, an HTTP client would decompress it
and save plain text under a name that ends in `.gz`."""

_LOOPBACK_HOSTS = frozenset({"127.0.0.1", "localhost", "::1"})


class _Pieces:
    """A request body that is sent piece by piece, so that it is never copied as a whole.

    The library `requests` reads its length, and iterates over it again from the start when it repeats the request.
    """

    def __init__(self, pieces: list[bytes]) -> None:
        self._pieces = pieces

    def __len__(self) -> int:
        return sum(map(len, self._pieces))

    def __iter__(self) -> Iterator[bytes]:
        return iter(self._pieces)


def request_body(pieces: list[bytes], *, has_checksum: bool) -> bytes | _Pieces:
    """Return the body of a request: in one piece if the SDK must compute its MD5, otherwise piece by piece."""
    return b"".join(pieces) if has_checksum else _Pieces(pieces)


def needs_checksum(url: str) -> bool:
    """Return whether nothing else protects the data on its way to a URL: no TLS, and not within this machine.

    Checksums everywhere would cost an eighth of the time of an export.
    """
    address = urlsplit(url)
    return address.scheme != "https" and address.hostname not in _LOOPBACK_HOSTS


def content_settings(path: str) -> ContentSettings:
    """Return the headers with which storage serves a file: its content type, and the name to save it under."""
    name = path.rpartition("/")[2]
    content_type = _CONTENT_TYPES.get(PurePosixPath(name).suffix.lower(), "application/octet-stream")
    return ContentSettings(content_type=content_type, content_disposition=_disposition(name))


def _disposition(name: str) -> str:
    """Return the header that tells browsers under which name to save the file.

    Characters that a quoted string cannot hold are encoded (RFC 6266, section 5), and a percent sign that browsers
    would decode (appendix D).
    """
    plain = re.sub(r'[^ -~]|["\\]|%(?=[0-9A-Fa-f]{2})', "_", name)
    encoded = "" if plain == name else f"; filename*=UTF-8''{quote(name, safe='')}"
    return f'attachment; filename="{plain}"{encoded}'
