"""Sends a POST to a URL that a stranger has chosen, without giving the stranger access to private networks (SSRF).

The host name is resolved once. If any of its addresses is not public, nothing is sent. Otherwise the connection goes to
one of the checked addresses. So it makes no difference if the name resolves to another address a moment later. `Host`,
the TLS server name and the name in the certificate are those of the URL. The request uses no proxy and follows no
redirect.
"""

from __future__ import annotations

import contextlib
import http.client
import socket
import ssl
import threading
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from queue import Empty, SimpleQueue
from urllib.parse import SplitResult, urlsplit

from shared.addresses import is_public
from shared.invocations import carried

TIMEOUT_SECONDS = 5.0
"""Time limit for a whole POST, unless an `Outbound` has another."""

_CONNECT_SECONDS = 2.0
"""Time limit for one address, so that the first of several addresses does not use up the whole time."""

_READ_BYTES, _READ_SECONDS = 4096, 1.0
"""How much of a response body is read, and for how long. The body is thrown away."""


class PostFault(StrEnum):
    """Why a POST got no response."""

    ADDRESS_REFUSED = "address-refused"
    NAME_UNKNOWN = "name-unknown"
    NOT_CONNECTED = "not-connected"
    TLS = "tls"
    NO_ANSWER = "no-answer"
    TIMEOUT = "timeout"


class PostError(Exception):
    """A POST got no response; `fault` says why. The request may or may not have arrived."""

    def __init__(self, fault: PostFault) -> None:
        super().__init__(fault.value)
        self.fault = fault


@dataclass(frozen=True, slots=True)
class PostResponse:
    """The response to a POST, without its body."""

    status: int
    retry_after: str | None = None


def resolve(host: str, port: int) -> list[str]:
    """Resolve a host name to its addresses, with the resolver of the system."""
    found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
    return list(dict.fromkeys(str(address[0]) for *_, address in found))


def connect(address: str, port: int, timeout_seconds: float) -> socket.socket:
    """Connect to an address. Does not resolve names."""
    family = socket.AF_INET6 if ":" in address else socket.AF_INET
    connection = socket.socket(family, socket.SOCK_STREAM)
    try:
        connection.settimeout(timeout_seconds)
        connection.connect((address, port))
    except BaseException:
        connection.close()
        raise
    return connection


@dataclass(frozen=True, slots=True)
class Outbound:
    """Sends POST requests to URLs.

    Attributes:
        allow_private: Allow every address and plain `http`. For development and tests only.
        timeout_seconds: Time limit for everything together: resolving, connecting, TLS, sending and the response.
    """

    allow_private: bool = False
    timeout_seconds: float = TIMEOUT_SECONDS
    resolve: Callable[[str, int], Sequence[str]] = resolve
    connect: Callable[[str, int, float], socket.socket] = connect
    tls: ssl.SSLContext = field(default_factory=ssl.create_default_context)

    def post(self, url: str, body: bytes, headers: Mapping[str, str]) -> PostResponse:
        """Send one POST and return the response, whether its status is a success or not.

        Raises:
            PostError: There was no response.
        """
        attempt = _Attempt(self, urlsplit(url), body, headers)
        # A thread of its own, because resolving cannot be interrupted.
        thread = threading.Thread(target=carried(attempt.run), daemon=True)
        thread.start()
        return attempt.await_response()


class _Attempt:
    """One POST, which runs in a thread of its own."""

    def __init__(self, outbound: Outbound, url: SplitResult, body: bytes, headers: Mapping[str, str]) -> None:
        self._outbound = outbound
        self._url = url
        self._body = body
        self._headers = headers
        self._outcome: SimpleQueue[PostResponse | PostFault] = SimpleQueue()
        self._socket: socket.socket | None = None
        self._given_up = False

    def await_response(self) -> PostResponse:
        """Wait for the outcome of `run` until the time is up."""
        try:
            outcome = self._outcome.get(timeout=self._outbound.timeout_seconds)
        except Empty:
            self._give_up()
            raise PostError(PostFault.TIMEOUT) from None
        if isinstance(outcome, PostFault):
            raise PostError(outcome)
        return outcome

    def run(self) -> None:
        """Send the request, and hand the response or the fault to `await_response`."""
        try:
            self._send()
        except PostError as error:
            self._outcome.put(error.fault)
        except ssl.SSLError:
            self._outcome.put(PostFault.TLS)
        except TimeoutError:
            self._outcome.put(PostFault.TIMEOUT)
        except Exception:  # for example a closed connection, or a response that is not HTTP
            self._outcome.put(PostFault.NO_ANSWER)
        finally:
            if self._socket is not None:
                self._socket.close()

    def _send(self) -> None:
        host, port = self._url.hostname or "", self._url.port or (443 if self._is_tls else 80)
        self._socket = self._connect(self._resolve_public(host, port), port)
        self._socket.settimeout(self._outbound.timeout_seconds)
        if self._is_tls:
            tls = self._outbound.tls
            self._socket = tls.wrap_socket(self._socket, server_hostname=host, do_handshake_on_connect=False)
            self._socket.do_handshake()
        if self._given_up:
            raise PostError(PostFault.TIMEOUT)
        connection = http.client.HTTPConnection(host, port)
        connection.sock = self._socket
        connection.auto_open = 0  # http.client must never resolve the name and connect by itself
        self._exchange(connection)

    def _resolve_public(self, host: str, port: int) -> Sequence[str]:
        """Resolve the name once, and refuse it if any of its addresses is not public."""
        if not self._is_tls and not self._outbound.allow_private:
            raise PostError(PostFault.ADDRESS_REFUSED)
        try:
            addresses = self._outbound.resolve(host, port)
        except (OSError, UnicodeError):
            raise PostError(PostFault.NAME_UNKNOWN) from None
        if not self._outbound.allow_private and not all(map(is_public, addresses)):
            raise PostError(PostFault.ADDRESS_REFUSED)
        return addresses

    def _connect(self, addresses: Sequence[str], port: int) -> socket.socket:
        for address in addresses:
            if self._given_up:
                break
            with contextlib.suppress(OSError):
                return self._outbound.connect(address, port, min(_CONNECT_SECONDS, self._outbound.timeout_seconds))
        raise PostError(PostFault.NOT_CONNECTED)

    def _exchange(self, connection: http.client.HTTPConnection) -> None:
        target = (self._url.path or "/") + (f"?{self._url.query}" if self._url.query else "")
        headers = {"Host": self._url.netloc, "Connection": "close", **self._headers}
        connection.request("POST", target, self._body, headers)
        with connection.getresponse() as response:
            self._outcome.put(PostResponse(response.status, response.getheader("retry-after")))
            self._drain(response)

    def _drain(self, response: http.client.HTTPResponse) -> None:
        """Read the first part of the body, so that the receiver does not see a broken connection. Ignores the rest.

        It is one read of the connection. The parser of chunks would read until it has a whole line, and each byte of a
        line would begin the time limit again.
        """
        if self._socket is not None and response.length != 0:
            self._socket.settimeout(_READ_SECONDS)
            response.fp.read1(_READ_BYTES)

    def _give_up(self) -> None:
        """Shut the connection down, so that the thread that waits for it ends."""
        self._given_up = True
        if self._socket is not None:
            with contextlib.suppress(OSError):
                socket.socket.shutdown(self._socket, socket.SHUT_RDWR)

    @property
    def _is_tls(self) -> bool:
        return self._url.scheme == "https"
