"""A server with the protocol of MySQL that asks for the password in the clear, as Azure Database for MySQL does.

Others wrote the server, `mysql-mimic`. It knows neither tables nor most statements; it is here for its logins.
"""

from __future__ import annotations

import asyncio
import ssl
import threading
from collections.abc import Iterator
from contextlib import closing, contextmanager, suppress
from dataclasses import dataclass, field

from mysql_mimic.auth import AbstractClearPasswordAuthPlugin, AuthPlugin, IdentityProvider, User
from mysql_mimic.server import MysqlServer

_HEAD_BYTES = 4
"""Of a packet: three bytes with its length, and its number."""

_PAUSE_SECONDS = 0.1


@dataclass
class ClearPasswordServer:
    """A running server.

    Attributes:
        token: The only password that it accepts.
        received: Every password that arrived.
    """

    token: str
    port: int = 0
    received: list[str] = field(default_factory=list)


class _Logins(IdentityProvider, AbstractClearPasswordAuthPlugin):  # type: ignore[misc]
    name = "token"

    def __init__(self, server: ClearPasswordServer) -> None:
        self._server = server

    async def check(self, username: str, password: str) -> str | None:
        self._server.received.append(password)
        return username if password == self._server.token else None

    def get_plugins(self) -> list[AuthPlugin]:
        return [self]

    async def get_user(self, username: str) -> User:
        return User(name=username, auth_plugin=self.name)


@contextmanager
def a_clear_password_server(token: str, tls: ssl.SSLContext | None) -> Iterator[ClearPasswordServer]:
    """Run the server until the end of the block, in a thread of its own."""
    server = ClearPasswordServer(token)
    loop = asyncio.new_event_loop()
    mimic = MysqlServer(identity_provider=_Logins(server), ssl=tls, host="127.0.0.1", port=0)
    loop.run_until_complete(mimic.start_server())
    relay = loop.run_until_complete(_start_relay(mimic.sockets()[0].getsockname()[1]))
    server.port = relay.sockets[0].getsockname()[1]
    thread = threading.Thread(target=loop.run_forever)
    thread.start()
    try:
        yield server
    finally:
        asyncio.run_coroutine_threadsafe(_stop(relay, mimic), loop).result()
        loop.call_soon_threadsafe(loop.stop)
        thread.join()
        loop.close()


async def _start_relay(port: int) -> asyncio.Server:
    """Start what clients connect to. It holds up what follows the first packet of a client.

    The server loses bytes of a TLS handshake that arrive together with the packet that asks for TLS. It runs on the
    same event loop, so it begins to read the handshake during the pause.
    """

    async def carry(reader: asyncio.StreamReader, writer: asyncio.StreamWriter, first_bytes: int = 0) -> None:
        with closing(writer), suppress(OSError, asyncio.IncompleteReadError):
            if first_bytes:
                head = await reader.readexactly(first_bytes)
                writer.write(head + await reader.readexactly(int.from_bytes(head[:3], "little")))
                await asyncio.sleep(_PAUSE_SECONDS)
            while data := await reader.read(65_536):
                writer.write(data)
                await writer.drain()

    async def join(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        server_reader, server_writer = await asyncio.open_connection("127.0.0.1", port)
        await asyncio.gather(carry(reader, server_writer, _HEAD_BYTES), carry(server_reader, writer))

    return await asyncio.start_server(join, "127.0.0.1", 0)


async def _stop(relay: asyncio.Server, mimic: MysqlServer) -> None:
    """Stop, and let the connections end that clients have closed."""
    relay.close()
    mimic.close()
    await mimic.wait_closed()
    others = asyncio.all_tasks() - {asyncio.current_task()}
    for task in others:
        task.cancel()
    await asyncio.gather(*others, return_exceptions=True)
    await asyncio.sleep(0.01)  # closed connections end a little later
    await asyncio.get_running_loop().shutdown_asyncgens()
