"""Read what a client sends in TDS: messages, and the statements in them (see `tds_server`)."""

from __future__ import annotations

import socket
import struct
from collections.abc import Iterator
from dataclasses import dataclass

_HEADER_BYTES = 8
_EXECUTE, _PREPARE_AND_EXECUTE = 10, 13
_UNICODE, _TEXT, _PARTS = (0xE7, 0xEF), (0xA7, 0xAF), 0xFFFF
_USER, _PASSWORD, _DATABASE = 40, 44, 68
"""Where a login says at which place, and how long, these are."""
_NULL = 0xFFFFFFFFFFFFFFFF
_SCALES = {0x2A: 1, 0x2B: 1, 0x29: 1, 0x28: 0, 0x6A: 3, 0x6C: 3}
"""How many bytes follow the number of a type, if it is not the one byte of most."""


@dataclass(frozen=True)
class Statement:
    """A statement as the server gets it.

    Attributes:
        parameters: Their declaration, such as `@P1 nvarchar(9),@P2 int`.
        values: The values of the parameters. Only text is decoded; others are None.
    """

    text: str
    parameters: str = ""
    is_prepared: bool = False
    values: tuple[str | None, ...] = ()

    @property
    def script(self) -> str:
        """The statement as a script that declares its parameters."""
        return f"DECLARE {self.parameters};\n{self.text}" if self.parameters else self.text


@dataclass(frozen=True)
class Login:
    """Who logs in, and to which database."""

    user: str
    password: str
    database: str


def login_of(body: bytes) -> Login:
    """Read a message LOGIN7. Its password is disguised, not encrypted."""

    def text(at: int) -> bytes:
        start, length = struct.unpack("<HH", body[at : at + 4])
        return body[start : start + 2 * length]

    password = bytes((byte ^ 0xA5) >> 4 | ((byte ^ 0xA5) & 0xF) << 4 for byte in text(_PASSWORD))
    texts = (text(_USER), password, text(_DATABASE))
    return Login(*(part.decode("utf-16-le") for part in texts))


def messages(client: socket.socket) -> Iterator[tuple[int, bytes]]:
    """Yield the kind and the body of each message until the client hangs up."""
    body = b""
    while header := _read(client, _HEADER_BYTES):
        kind, status, length = struct.unpack(">BBH", header[:4])
        body += _read(client, length - _HEADER_BYTES)
        if status & 1:
            yield kind, body
            body = b""


def statement_of(body: bytes, *, is_batch: bool) -> Statement | None:
    """Return the statement in a message; None if it only drops a prepared one."""
    content = body[struct.unpack("<I", body[:4])[0] :]
    if is_batch:
        return Statement(content.decode("utf-16-le"))
    if struct.unpack("<H", content[:2])[0] != _PARTS:
        raise OSError("This server knows no procedures by name.")
    (procedure,) = struct.unpack("<H", content[2:4])
    values = tuple(_values(content[6:]))
    if procedure == _PREPARE_AND_EXECUTE:
        return Statement(values[2] or "", values[1] or "", is_prepared=True, values=values[3:])
    return Statement(values[0] or "", values[1] or "", values=values[2:]) if procedure == _EXECUTE else None


def _read(client: socket.socket, count: int) -> bytes:
    data = b""
    while len(data) < count and (part := client.recv(count - len(data))):
        data += part
    return data


def _values(data: bytes) -> Iterator[str | None]:
    """Yield the values of parameters. Only text is decoded."""
    at = 0
    while at < len(data):
        at += 1 + 2 * data[at] + 1
        kind = data[at]
        value, at = _text(data, at + 1, kind) if kind in _UNICODE + _TEXT else _other(data, at + 1, kind)
        yield value


def _text(data: bytes, at: int, kind: int) -> tuple[str | None, int]:
    (longest,) = struct.unpack("<H", data[at : at + 2])
    at += 2 + 5
    encoding = "utf-16-le" if kind in _UNICODE else "cp1252"
    if longest == _PARTS:
        return _in_parts(data, at, encoding)
    (length,) = struct.unpack("<H", data[at : at + 2])
    at += 2
    return (None, at) if length == _PARTS else (data[at : at + length].decode(encoding), at + length)


def _in_parts(data: bytes, at: int, encoding: str) -> tuple[str | None, int]:
    (total,) = struct.unpack("<Q", data[at : at + 8])
    at += 8
    if total == _NULL:
        return None, at
    value = b""
    while length := struct.unpack("<I", data[at : at + 4])[0]:
        value += data[at + 4 : at + 4 + length]
        at += 4 + length
    return value.decode(encoding), at + 4


def _other(data: bytes, at: int, kind: int) -> tuple[None, int]:
    at += _SCALES.get(kind, 1)
    return None, at + 1 + data[at]
