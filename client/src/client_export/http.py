"""Performs the steps of operations with httpx: requests to the service with credentials, links without."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator, Callable, Iterator, Mapping
from contextlib import suppress
from contextvars import copy_context
from dataclasses import dataclass, field
from functools import partial
from importlib.metadata import PackageNotFoundError, version
from ipaddress import ip_address
from typing import Any, TypeVar

import httpx

from client_export.models import Part
from client_export.steps import Answer, Flow, Pull, Send, Sink, Sleep, Step

T = TypeVar("T")

TIMEOUT = httpx.Timeout(90, connect=15)
"""A start waits in the service for its end, so an answer may take longer than usual."""

_BROKEN = (httpx.RequestError, httpx.InvalidURL)
"""What httpx raises if a request has no answer that can be read."""


@dataclass(frozen=True, slots=True)
class Access:
    """Where the service is, and the credentials: an API key or an access token, or a function that gives a token.

    Attributes:
        allow_http: Whether the credentials may be sent over plain http to another machine.
    """

    url: str
    key: str | None = field(default=None, repr=False)
    token: str | Callable[[], str] | None = field(default=None, repr=False)
    allow_http: bool = False

    def __post_init__(self) -> None:
        if self.key is not None and self.token is not None:
            raise ValueError("Give a key or a token, not both.")
        if not self.url.startswith(("http://", "https://")):
            message = f"The address of the service must begin with https:// or http://, not {self.url!r}."
            raise ValueError(message)
        try:
            url = httpx.URL(self.url)
        except httpx.InvalidURL as error:
            message = f"{self.url!r} is not the address of a service: {error}."
            raise ValueError(message) from None
        if not url.host or url.query or url.fragment:
            message = f"{self.url!r} is not the address of a service. Give the part before ? and #, with a host."
            raise ValueError(message)
        if not (self.allow_http or self.is_private):
            message = (
                f"Others on the network could read the key or token on its way to {self.url}. Use https://. In a "
                "network of your own, allow http: write --allow-http before the command, or allow_http=True in Python."
            )
            raise ValueError(message)
        for name, secret in (("key", self.key), ("token", self.token)):
            if isinstance(secret, str) and not (secret.isascii() and secret.isprintable()):
                message = f"The {name} contains characters that no {name} has. Copy it again."
                raise ValueError(message)

    @property
    def is_private(self) -> bool:
        """Whether nobody on the way can read the requests: they are encrypted, or do not leave this machine."""
        url = httpx.URL(self.url)
        if url.scheme == "https" or url.host == "localhost" or url.host.endswith(".localhost"):
            return True
        try:
            return ip_address(url.host).is_loopback
        except ValueError:
            return False

    def headers(self) -> dict[str, str]:
        """Return the headers that every request to the service has."""
        headers = {"User-Agent": f"client-export-client/{package_version()}", "Accept": "application/json"}
        if self.key is not None:
            headers["x-api-key"] = self.key
        if self.token is not None:
            headers["Authorization"] = f"Bearer {self.token() if callable(self.token) else self.token}"
        return headers

    def arguments(self, call: Send) -> dict[str, Any]:
        """Return the arguments of httpx for a request."""
        arguments: dict[str, Any] = {
            "method": call.method,
            "url": self.url.rstrip("/") + call.path,
            "headers": {**self.headers(), **call.headers},
            "params": list(call.query) or None,
        }
        return arguments if call.body is None else {**arguments, "json": call.body}


def package_version() -> str:
    """Return the version of this package."""
    try:
        return version("client-export-client")
    except PackageNotFoundError:  # it runs from its source
        return "0"


# --- ordinary code


def run(flow: Flow[T], http: httpx.Client, access: Access) -> T:
    """Run an operation to its end."""
    try:
        step = next(flow)
        while True:
            try:
                result = _perform(step, http, access)
            except Exception as error:
                step = flow.throw(error)
            else:
                step = flow.send(result)
    except StopIteration as end:
        return end.value  # type: ignore[no-any-return]
    finally:
        flow.close()


def each(read: Callable[[str | None], Part[T]]) -> Iterator[T]:
    """Yield the items of a list, part by part."""
    token: str | None = None
    while True:
        part = read(token)
        yield from part.items
        token = part.token
        if token is None:
            return


def _perform(step: Step, http: httpx.Client, access: Access) -> Answer | str | None:
    if isinstance(step, Sleep):
        time.sleep(step.seconds)
        return None
    if isinstance(step, Pull):
        return _pull(step, http)
    try:
        return _answer(http.request(**access.arguments(step), follow_redirects=False))
    except _BROKEN as error:
        return _no_answer(error)


def _pull(step: Pull, http: httpx.Client) -> str | None:
    """Read a link in pieces as they arrive: httpx would drop the rest of a larger piece when the connection breaks."""
    try:
        with http.stream("GET", step.url, headers=_of_link(step.headers)) as response:
            if step.sink.begin(response.status_code, response.headers):
                for piece in response.iter_raw():
                    step.sink.add(piece)
    except _BROKEN as error:
        return _reason(error)
    return None


# --- asyncio


async def run_async(flow: Flow[T], http: httpx.AsyncClient, access: Access) -> T:
    """Run an operation to its end on the event loop. Work on disk runs in threads."""
    try:
        step = await _in_thread(_advance, flow, None)
        while not isinstance(step, _End):
            try:
                result = await _perform_async(step, http, access)
            except Exception as error:
                step = await _in_thread(_advance, flow, None, error)
            else:
                step = await _in_thread(_advance, flow, result)
        return step.value  # type: ignore[no-any-return]
    finally:
        flow.close()


async def each_async(read: Callable[[str | None], Any]) -> AsyncIterator[Any]:
    """Yield the items of a list, part by part."""
    token: str | None = None
    while True:
        part = await read(token)
        for item in part.items:
            yield item
        token = part.token
        if token is None:
            return


async def _in_thread(work: Callable[..., T], *arguments: Any) -> T:
    """Run work on disk in a thread. A cancellation waits for its end: nobody may close what the thread still uses."""
    # No task: the end of the event loop cancels all tasks at once, even one that is waited for.
    future = asyncio.get_running_loop().run_in_executor(None, partial(copy_context().run, work, *arguments))
    try:
        return await asyncio.shield(future)
    except asyncio.CancelledError:
        while not future.done():
            with suppress(asyncio.CancelledError):
                await asyncio.wait([future])
        future.exception()
        raise


@dataclass(frozen=True, slots=True)
class _End:
    """The end of an operation. An exception StopIteration cannot leave a thread of asyncio."""

    value: Any


def _advance(flow: Flow[Any], result: Any, error: Exception | None = None) -> Step | _End:
    try:
        return flow.send(result) if error is None else flow.throw(error)
    except StopIteration as end:
        return _End(end.value)


async def _perform_async(step: Step, http: httpx.AsyncClient, access: Access) -> Answer | str | None:
    if isinstance(step, Sleep):
        await asyncio.sleep(step.seconds)
        return None
    if isinstance(step, Pull):
        return await _pull_async(step, http)
    try:
        return _answer(await http.request(**access.arguments(step), follow_redirects=False))
    except _BROKEN as error:
        return _no_answer(error)


async def _pull_async(step: Pull, http: httpx.AsyncClient) -> str | None:
    sink: Sink = step.sink
    try:
        async with http.stream("GET", step.url, headers=_of_link(step.headers)) as response:
            if await _in_thread(sink.begin, response.status_code, response.headers):
                async for piece in response.aiter_raw():
                    await _in_thread(sink.add, piece)
    except _BROKEN as error:
        return _reason(error)
    return None


# --- building blocks


def _answer(response: httpx.Response) -> Answer:
    headers = {name.lower(): value for name, value in response.headers.items()}
    return Answer(response.status_code, headers, response.content)


def _no_answer(error: Exception) -> Answer:
    was_sent = not isinstance(error, (httpx.ConnectError, httpx.ConnectTimeout, httpx.PoolTimeout))
    return Answer(0, failure=_reason(error), was_sent=was_sent)


def _reason(error: Exception) -> str:
    if isinstance(error, httpx.TimeoutException):
        return "it took too long."
    if isinstance(error, httpx.DecodingError):
        return "what arrived cannot be decompressed."
    if isinstance(error, (httpx.InvalidURL, httpx.UnsupportedProtocol)):
        return "the service gave a link that is not an address."
    if isinstance(error, httpx.ConnectError):
        return "no connection could be made. Check the address and the network."
    return "the connection broke."


def _of_link(headers: Mapping[str, str]) -> dict[str, str]:
    return {"Accept-Encoding": "identity", "User-Agent": f"client-export-client/{package_version()}", **headers}
