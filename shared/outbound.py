"""POST to a URL that strangers have chosen, without becoming their way into private networks.

A name is resolved once. If any of its addresses is not public nothing is sent; else the connection goes to exactly an
address that was checked, so a name that resolves otherwise a moment later changes nothing. `Host`, the TLS server name
and the name in the certificate stay those of the URL. No proxy is asked and no redirect followed.
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

_CONNECT_SECONDS = 5.0
"""To one address, so that the time is not used up by the first of several."""

_READ_BYTES, _READ_SECONDS = 4096, 1.0
"""Of an answer's body, which is thrown away."""


class PostFault(StrEnum):
    """Why there is no answer."""

    ADDRESS_REFUSED = "address-refused"
    NAME_UNKNOWN = "name-unknown"
    NOT_CONNECTED = "not-connected"
    TLS = "tls"
    NO_ANSWER = "no-answer"
    TIMEOUT = "timeout"


class PostError(Exception):
    """There is no answer; `fault` says why. It is unknown whether what was sent has arrived."""

    def __init__(self, fault: PostFault) -> None:
        super().__init__(fault.value)
        self.fault = fault


@dataclass(frozen=True, slots=True)
class PostAnswer:
    """What came back; the body is of no interest."""

    status: int
    retry_after: str | None = None


def resolve(host: str, port: int) -> list[str]:
    """Ask the system for the addresses of a name."""
    found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
    return list(dict.fromkeys(str(address[0]) for *_, address in found))


def connect(address: str, port: int, timeout_seconds: float) -> socket.socket:
    """Connect to an address; resolves nothing."""
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
    """Posts to URLs.

    Attributes:
        allow_private: Let every address be, and plain `http` too: for development and tests.
        timeout_seconds: For all of it: resolving, connecting, TLS, sending, waiting for the answer.
    """

    allow_private: bool = False
    timeout_seconds: float = 15.0
    resolve: Callable[[str, int], Sequence[str]] = resolve
    connect: Callable[[str, int, float], socket.socket] = connect
    tls: ssl.SSLContext = field(default_factory=ssl.create_default_context)

    def post(self, url: str, body: bytes, headers: Mapping[str, str]) -> PostAnswer:
        """Send once, and give the answer, whatever its status.

        Raises:
            PostError: There is none.
        """
        attempt = _Attempt(self, urlsplit(url), body, headers)
        thread = threading.Thread(target=attempt.run, daemon=True)  # resolving cannot be interrupted otherwise
        thread.start()
        return attempt.answer()


class _Attempt:
    """One try, in a thread of its own."""

    def __init__(self, outbound: Outbound, url: SplitResult, body: bytes, headers: Mapping[str, str]) -> None:
        self._outbound = outbound
        self._url = url
        self._body = body
        self._headers = headers
        self._outcome: SimpleQueue[PostAnswer | PostFault] = SimpleQueue()
        self._socket: socket.socket | None = None
        self._given_up = False

    def answer(self) -> PostAnswer:
        """Wait for what `run` comes to, until the time is up."""
        try:
            outcome = self._outcome.get(timeout=self._outbound.timeout_seconds)
        except Empty:
            self._give_up()
            raise PostError(PostFault.TIMEOUT) from None
        if isinstance(outcome, PostFault):
            raise PostError(outcome)
        return outcome

    def run(self) -> None:
        """Put the answer, or why there is none, where `answer` waits for it."""
        try:
            self._send()
        except PostError as error:
            self._outcome.put(error.fault)
        except ssl.SSLError:
            self._outcome.put(PostFault.TLS)
        except TimeoutError:
            self._outcome.put(PostFault.TIMEOUT)
        except Exception:  # a connection cut, an answer that is not HTTP
            self._outcome.put(PostFault.NO_ANSWER)
        finally:
            if self._socket is not None:
                self._socket.close()

    def _send(self) -> None:
        host, port = self._url.hostname or "", self._url.port or (443 if self._is_tls else 80)
        self._socket = self._connected(self._checked(host, port), port)
        self._socket.settimeout(self._outbound.timeout_seconds)
        if self._is_tls:
            tls = self._outbound.tls
            self._socket = tls.wrap_socket(self._socket, server_hostname=host, do_handshake_on_connect=False)
            self._socket.do_handshake()
        if self._given_up:
            raise PostError(PostFault.TIMEOUT)
        connection = http.client.HTTPConnection(host, port)
        connection.sock = self._socket
        connection.auto_open = 0  # whatever happens, it must not resolve and connect by itself
        self._exchange(connection)

    def _checked(self, host: str, port: int) -> Sequence[str]:
        """Resolve the name, once, and let no address pass that is not public."""
        if not self._is_tls and not self._outbound.allow_private:
            raise PostError(PostFault.ADDRESS_REFUSED)
        try:
            addresses = self._outbound.resolve(host, port)
        except (OSError, UnicodeError):
            raise PostError(PostFault.NAME_UNKNOWN) from None
        if not self._outbound.allow_private and not all(map(is_public, addresses)):
            raise PostError(PostFault.ADDRESS_REFUSED)
        return addresses

    def _connected(self, addresses: Sequence[str], port: int) -> socket.socket:
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
            self._outcome.put(PostAnswer(response.status, response.getheader("retry-after")))
            self._drain(response)

    def _drain(self, response: http.client.HTTPResponse) -> None:
        """Take in what is there of the body, lest its sender sees a broken connection; waits for no more of it."""
        if self._socket is not None:
            self._socket.settimeout(_READ_SECONDS)
        response.read1(_READ_BYTES)

    def _give_up(self) -> None:
        """End the connection under the thread that waits at it."""
        self._given_up = True
        if self._socket is not None:
            with contextlib.suppress(OSError):
                socket.socket.shutdown(self._socket, socket.SHUT_RDWR)

    @property
    def _is_tls(self) -> bool:
        return self._url.scheme == "https"
