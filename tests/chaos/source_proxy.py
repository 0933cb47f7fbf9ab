"""A proxy between the service and its database. It passes bytes on, slows them down, blocks them, or disconnects."""

from __future__ import annotations

import asyncio

from tests.chaos.loop_thread import LoopThread

_PIECE = 4_096
_USUAL_PAUSE_SECONDS, _SLOW_PAUSE_SECONDS = 0.002, 0.02
"""Between pieces. With the usual pause a page takes 0.1 to 0.2 seconds, so faults hit pages that are being read."""


class SourceProxy:
    """Listens on one port, with an event loop on its own thread."""

    def __init__(self, upstream_port: int) -> None:
        self._upstream_port = upstream_port
        self._pause_seconds = _USUAL_PAUSE_SECONDS
        self._connections: set[asyncio.StreamWriter] = set()
        self._loop = LoopThread()
        self._flowing = asyncio.Event()
        self.port = self._loop.run(self._start())

    def slow(self) -> None:
        """Pass bytes on slowly."""
        self._pause_seconds = _SLOW_PAUSE_SECONDS

    def block(self) -> None:
        """Pass nothing on, but keep connections open."""
        self._loop.call_soon(self._flowing.clear)

    def cut(self) -> None:
        """Close all connections. New ones are accepted."""
        self._loop.run(self._cut())

    def heal(self) -> None:
        """Pass everything on again."""
        self._pause_seconds = _USUAL_PAUSE_SECONDS
        self._loop.call_soon(self._flowing.set)

    def stop(self) -> None:
        self._loop.run(self._stop())
        self._loop.close()

    async def _start(self) -> int:
        self._flowing.set()
        self._server = await asyncio.start_server(self._serve, "127.0.0.1", 0)
        return int(self._server.sockets[0].getsockname()[1])

    async def _cut(self) -> None:
        for writer in list(self._connections):
            writer.transport.abort()

    async def _stop(self) -> None:
        self._server.close()
        self._flowing.set()
        await self._cut()
        await asyncio.sleep(0)

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            upstream_reader, upstream_writer = await asyncio.open_connection("127.0.0.1", self._upstream_port)
        except OSError:
            writer.transport.abort()
            return
        ends = (writer, upstream_writer)
        self._connections.update(ends)
        try:
            await asyncio.gather(self._pump(reader, upstream_writer), self._pump(upstream_reader, writer))
        except OSError:
            pass
        finally:
            self._connections.difference_update(ends)
            for end in ends:
                end.transport.abort()

    async def _pump(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        while piece := await reader.read(_PIECE):
            await self._flowing.wait()
            await asyncio.sleep(self._pause_seconds)
            writer.write(piece)
            await writer.drain()
        raise ConnectionResetError  # one end has closed its connection, so close the other too
