"""A server that speaks TDS, the protocol of SQL Server, to the real driver. No SQL Server can be had for tests.

It runs no SQL: rules of the test answer each statement. So it shows which statements leave the process, and how the
driver reports errors, time-outs and text. It runs in a process of its own (`tds_process`). The messages are those of
"MS-TDS: Tabular Data Stream Protocol" (learn.microsoft.com), as far as a client that reads needs them. It offers no
encryption.
"""

from __future__ import annotations

import socket
import struct
import threading
from collections.abc import Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass, field

from tests.support.tds_requests import Login, Statement, login_of, messages, statement_of

_PRELOGIN, _LOGIN, _BATCH, _RPC, _ATTENTION, _TRANSACTION, _REPLY = 0x12, 0x10, 0x01, 0x03, 0x06, 0x0E, 0x04
_BEGIN, _COMMIT, _ROLLBACK = 5, 7, 8
_NO_ENCRYPTION = bytes([0, 0, 11, 0, 6, 1, 0, 17, 0, 1, 0xFF]) + b"\x10\x00\x07\xd0\x00\x00" + b"\x02"
_COLLATION = b"\x09\x04\xd0\x00\x34"
_HAS_ERROR, _HAS_COUNT, _IS_ATTENTION, _GOES_ON = 0x02, 0x10, 0x20, 0x01
_SUCCESS = b"\x79" + bytes(4)
_HANDLE = b"\xac\x00\x00\x00\x01" + bytes(6) + b"\x26\x04\x04\x01\x00\x00\x00"
_IDENTITY = b"\x08" + b"\x01" * 8
_LONGEST_PACKET = 4088
_PACKET_BYTES = _LONGEST_PACKET + 8

Value = str | bytes | int | None


@dataclass(frozen=True)
class ServerError:
    """An error as the server sends it.

    Attributes:
        ends_transaction: Whether the server rolls back the transaction that the statement is in.
    """

    number: int
    message: str
    severity: int = 16
    ends_transaction: bool = False


@dataclass(frozen=True)
class Table:
    """A result. A column is a number if its first value is one, otherwise `nvarchar(max)`. Bytes are sent unchanged.

    Attributes:
        error: Follows the rows: the statement fails when some rows have been sent.
    """

    names: Sequence[str]
    rows: Sequence[Sequence[Value]] = ()
    error: ServerError | None = None


@dataclass(frozen=True)
class Cut:
    """A result in which the connection ends. The next time, on another connection, the whole result is sent.

    Attributes:
        after_bytes: How many bytes of the result still arrive.
        is_reset: Whether the connection is reset, as by a server that died; else it is closed.
    """

    table: Table
    after_bytes: int
    is_reset: bool = False


@dataclass(frozen=True)
class CurrentTransaction:
    """A row with the number of the transaction that the connection is in, and its isolation level."""

    level: int


@dataclass(frozen=True)
class Once:
    """The first reply on all connections; later the server looks for another rule."""

    reply: Table | ServerError | CurrentTransaction


class Silence:
    """Leaves the client waiting."""


@dataclass(frozen=True)
class Stall:
    """A result of which the client gets the first packet, and then waits for the others."""

    table: Table


Reply = Table | ServerError | Cut | Stall | Once | CurrentTransaction | Silence
Rules = Sequence[tuple[str, Reply]]
"""The reply to the first words that a statement contains."""

FIRST_RULES: Rules = (
    ("@@version", Table(["x"], [["Microsoft SQL Azure (RTM) - 12.0.2000.8"]])),
    ("schema_name", Table(["x"], [["dbo"]])),
    ("sys.system_views", Table(["name"], [["dm_exec_sessions"]])),
    ("session_id", Table(["x"], [["READ COMMITTED"]])),
    ("", Table(["x"])),
)
"""What SQLAlchemy asks when it opens the first connection, as Azure SQL answers it. Other results are empty."""


@dataclass
class Seen:
    """What a server has seen.

    Attributes:
        statements: Every statement that arrived, in order.
        logins: Every login.
        attentions: How many statements the client gave up.
        steps: The text of every statement, and between them `BEGIN`, `COMMIT` and `ROLLBACK`, which clients send as
            requests and not as statements. A `BEGIN` may name an isolation level, in place of that of the session.
    """

    statements: list[Statement] = field(default_factory=list)
    logins: list[Login] = field(default_factory=list)
    attentions: int = 0
    steps: list[str] = field(default_factory=list)


class TdsServer:
    """Listens on a free port of this machine until it is closed."""

    def __init__(self, rules: Rules, login_error: ServerError | None = None) -> None:
        self._rules = [*rules, *FIRST_RULES]
        self._login_error = login_error
        self._cut: set[int] = set()
        self._used: set[int] = set()
        self._transactions: dict[socket.socket, int] = {}
        self._begun = 0
        self._socket = socket.create_server(("127.0.0.1", 0))
        self._clients: list[socket.socket] = []
        self.seen = Seen()
        self.port: int = self._socket.getsockname()[1]
        threading.Thread(target=self._listen, daemon=True).start()

    def close(self) -> None:
        """Close every connection."""
        self._socket.close()
        for client in self._clients:
            with suppress(OSError):
                client.shutdown(socket.SHUT_RDWR)  # wakes the thread that reads from it

    def _listen(self) -> None:
        with suppress(OSError):
            while True:
                client, _ = self._socket.accept()
                client.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
                self._clients.append(client)
                threading.Thread(target=self._serve, args=(client,), daemon=True).start()

    def _serve(self, client: socket.socket) -> None:
        with suppress(OSError), client:
            for kind, body in messages(client):
                if kind in {_BATCH, _RPC} and (found := statement_of(body, is_batch=kind == _BATCH)) is not None:
                    self.seen.statements.append(found)
                    self.seen.steps.append(found.text)
                    self._answer(client, found)
                else:
                    client.sendall(_packets(self._control(client, kind, body)))

    def _control(self, client: socket.socket, kind: int, body: bytes) -> bytes:
        if kind == _PRELOGIN:
            return _NO_ENCRYPTION
        if kind == _LOGIN:
            self.seen.logins.append(login_of(body))
            return _refusal(self._login_error) if self._login_error else _logged_in()
        if kind == _ATTENTION:
            self.seen.attentions += 1
            return _done(_IS_ATTENTION)
        if kind == _TRANSACTION:
            return self._transaction(client, body)
        return _SUCCESS + _done(token=0xFE)  # a prepared statement is dropped

    def _transaction(self, client: socket.socket, body: bytes) -> bytes:
        (headers,) = struct.unpack("<I", body[:4])
        (wanted,) = struct.unpack("<H", body[headers : headers + 2])
        if wanted == _BEGIN:
            level = body[headers + 2]
            self.seen.steps.append(f"BEGIN WITH LEVEL {level}" if level else "BEGIN")
            self._begun += 1
            self._transactions[client] = self._begun
            return _token(0xE3, b"\x08" + _IDENTITY + b"\x00") + _done()
        self.seen.steps.append("COMMIT" if wanted == _COMMIT else "ROLLBACK")
        self._transactions.pop(client, None)
        return _ended(wanted) + _done()

    def _answer(self, client: socket.socket, statement: Statement) -> None:
        reply = next(reply for words, reply in self._rules if words in statement.text and id(reply) not in self._used)
        if isinstance(reply, Once):
            self._used.add(id(reply))
            reply = reply.reply
        if isinstance(reply, CurrentTransaction):
            reply = Table(["number", "level"], [(self._transactions.get(client, 0), reply.level)])
        if isinstance(reply, ServerError):
            if reply.ends_transaction:
                self._transactions.pop(client, None)
            client.sendall(_packets(_refusal(reply)))
        elif isinstance(reply, Table):
            client.sendall(_packets(_result(reply, is_prepared=statement.is_prepared)))
        elif isinstance(reply, Stall):
            client.sendall(_packets(_result(reply.table, is_prepared=statement.is_prepared))[:_PACKET_BYTES])
        elif isinstance(reply, Cut):
            self._answer_or_cut(client, reply, _packets(_result(reply.table, is_prepared=statement.is_prepared)))

    def _answer_or_cut(self, client: socket.socket, reply: Cut, packets: bytes) -> None:
        if id(reply) in self._cut:
            client.sendall(packets)
            return
        self._cut.add(id(reply))
        client.sendall(packets[: reply.after_bytes])
        if reply.is_reset:
            client.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        raise ConnectionAbortedError


def _packets(body: bytes) -> bytes:
    parts = [body[start : start + _LONGEST_PACKET] for start in range(0, len(body), _LONGEST_PACKET)]
    packets = b""
    for place, part in enumerate(parts, 1):
        header = struct.pack(">BBHHBB", _REPLY, place == len(parts), len(part) + 8, 0, place % 256, 0)
        packets += header + part
    return packets


def _short(text: str) -> bytes:
    return bytes([len(text)]) + text.encode("utf-16-le")


def _token(kind: int, body: bytes) -> bytes:
    return struct.pack("<BH", kind, len(body)) + body


def _done(status: int = 0, rows: int = 0, token: int = 0xFD) -> bytes:
    return struct.pack("<BHHQ", token, status, 0xC1, rows)


def _refusal(error: ServerError) -> bytes:
    message = struct.pack("<H", len(error.message)) + error.message.encode("utf-16-le")
    head = struct.pack("<iBB", error.number, 1, error.severity)
    told = _token(0xAA, head + message + _short("server") + _short("") + struct.pack("<i", 1))
    return told + (_ended(_ROLLBACK) if error.ends_transaction else b"") + _done(_HAS_ERROR)


def _logged_in() -> bytes:
    product = b"\x01" + bytes.fromhex("74000004") + _short("Microsoft SQL Server") + b"\x10\x00\x07\xd0"
    return (
        _token(0xE3, b"\x01" + _short("clients") + _short("master"))
        + _token(0xE3, b"\x07\x05" + _COLLATION + b"\x00")
        + _token(0xAD, product)
        + _token(0xE3, b"\x04" + _short("4096") + _short("4096"))
        + _done()
    )


def _ended(how: int) -> bytes:
    return _token(0xE3, (b"\x09" if how == _COMMIT else b"\x0a") + b"\x00" + _IDENTITY)


def _result(table: Table, *, is_prepared: bool) -> bytes:
    is_number = [bool(table.rows) and isinstance(table.rows[0][place], int) for place in range(len(table.names))]
    end = _done(_HAS_COUNT | _GOES_ON, len(table.rows), 0xFF) + _SUCCESS + _HANDLE + _done(token=0xFE)
    if table.error:
        return b"".join(_rows(table, is_number)) + _refusal(table.error)
    return b"".join(_rows(table, is_number)) + (end if is_prepared else _done(_HAS_COUNT, len(table.rows)))


def _rows(table: Table, is_number: Sequence[bool]) -> Iterator[bytes]:
    if table.names:
        yield struct.pack("<BH", 0x81, len(table.names))
    for name, number in zip(table.names, is_number, strict=True):
        yield struct.pack("<IH", 0, 9) + (b"\x26\x08" if number else b"\xe7\xff\xff" + _COLLATION) + _short(name)
    for row in table.rows:
        yield b"\xd1"
        for value, number in zip(row, is_number, strict=True):
            yield _number(value) if number else _text(value)


def _number(value: Value) -> bytes:
    return struct.pack("<Bq", 8, value) if isinstance(value, int) else b"\x00"


def _text(value: Value) -> bytes:
    if value is None:
        return b"\xff" * 8
    content = value if isinstance(value, bytes) else str(value).encode("utf-16-le")
    part = struct.pack("<I", len(content)) + content if content else b""
    return struct.pack("<Q", len(content)) + part + bytes(4)
