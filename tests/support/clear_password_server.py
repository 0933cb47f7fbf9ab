"""A server with the protocol of MySQL that asks for the password in the clear, as Azure Database for MySQL does.

Others wrote the server, `mysql-mimic`. It knows neither tables nor most statements; it is here for its logins.
"""

from __future__ import annotations

import asyncio
import ssl
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field

from mysql_mimic.auth import AbstractClearPasswordAuthPlugin, AuthPlugin, IdentityProvider, User
from mysql_mimic.server import MysqlServer


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
    server.port = mimic.sockets()[0].getsockname()[1]
    thread = threading.Thread(target=loop.run_forever)
    thread.start()
    try:
        yield server
    finally:
        asyncio.run_coroutine_threadsafe(_stop(mimic), loop).result()
        loop.call_soon_threadsafe(loop.stop)
        thread.join()
        loop.close()


async def _stop(mimic: MysqlServer) -> None:
    """Stop, and let the connections end that clients have closed."""
    mimic.close()
    await mimic.wait_closed()
    others = asyncio.all_tasks() - {asyncio.current_task()}
    for task in others:
        task.cancel()
    await asyncio.gather(*others, return_exceptions=True)
    await asyncio.get_running_loop().shutdown_asyncgens()
