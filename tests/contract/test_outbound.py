"""Posting to URLs that callers chose: the address that was checked is the one that is used, and TLS is verified."""

from __future__ import annotations

import contextlib
import socket
import ssl
import threading
import time
from collections.abc import Iterator, Sequence
from typing import Any

import pytest
import trustme

from shared import outbound
from shared.outbound import Outbound, PostError, PostFault, PostResponse
from tests.support.receiver import Receiver, a_receiver

PUBLIC, PRIVATE = "93.184.216.34", "10.0.0.1"
NAME = "hooks.example"
BODY = b'{"a": 1}'
JSON = {"Content-Type": "application/json"}


@pytest.fixture(scope="module")
def authority() -> trustme.CA:
    return trustme.CA()


@pytest.fixture
def receiver() -> Iterator[Receiver]:
    with a_receiver() as running:
        yield running


@pytest.fixture
def tls_receiver(authority: trustme.CA) -> Iterator[Receiver]:
    """A receiver with a certificate for `hooks.example`."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    authority.issue_cert(NAME).configure_cert(context)
    with a_receiver(context) as running:
        yield running


class FakeNetwork:
    """A name service that returns `answers` in order, and connections that all lead to this machine."""

    def __init__(self, *answers: Sequence[str]) -> None:
        self.answers = list(answers)
        self.resolved: list[str] = []
        self.connected: list[str] = []

    def resolve(self, host: str, port: int) -> Sequence[str]:
        self.resolved.append(host)
        return self.answers.pop(0)

    def connect(self, address: str, port: int, timeout_seconds: float) -> socket.socket:
        self.connected.append(address)
        return outbound.connect("127.0.0.1", port, timeout_seconds)


def through(network: FakeNetwork, authority: trustme.CA | None = None, **changes: Any) -> Outbound:
    tls = ssl.create_default_context()
    if authority is not None:
        authority.configure_trust(tls)
    return Outbound(resolve=network.resolve, connect=network.connect, tls=tls, **changes)


def fault_of(sender: Outbound, url: str) -> PostFault:
    with pytest.raises(PostError) as raised:
        sender.post(url, BODY, JSON)
    return raised.value.fault


def local(**changes: Any) -> Outbound:
    return Outbound(allow_private=True, **changes)


# --- the choice of the address


def test_the_connection_uses_the_checked_address_even_if_the_name_turns_private(
    authority: trustme.CA, tls_receiver: Receiver
) -> None:
    network = FakeNetwork([PUBLIC], ["127.0.0.1"])
    response = through(network, authority).post(f"https://{NAME}:{tls_receiver.port}/hooks?a=1", BODY, JSON)
    assert response == PostResponse(204)
    assert (network.resolved, network.connected) == ([NAME], [PUBLIC])


def test_a_name_is_resolved_once_and_an_address_never(monkeypatch: pytest.MonkeyPatch, receiver: Receiver) -> None:
    resolved: list[Any] = []
    real = socket.getaddrinfo

    def watched(*args: Any, **kwargs: Any) -> Any:
        resolved.append(args[0])
        return real(*args, **kwargs)

    monkeypatch.setattr(socket, "getaddrinfo", watched)
    local().post(f"http://localhost:{receiver.port}/", BODY, JSON)
    assert resolved == ["localhost"]


@pytest.mark.parametrize("addresses", [[PRIVATE], [PUBLIC, PRIVATE], [PRIVATE, PUBLIC], ["::1"], ["168.63.129.16"]])
def test_a_name_with_one_private_address_is_refused(authority: trustme.CA, addresses: list[str]) -> None:
    network = FakeNetwork(addresses)
    assert fault_of(through(network, authority), f"https://{NAME}/") is PostFault.ADDRESS_REFUSED
    assert network.connected == []


@pytest.mark.parametrize("host", ["127.0.0.1", "127.1", "0x7f000001", "[::1]", "[::ffff:127.0.0.1]", "localhost"])
def test_a_local_address_is_refused_in_every_notation(tls_receiver: Receiver, host: str) -> None:
    assert fault_of(Outbound(), f"https://{host}:{tls_receiver.port}/") is PostFault.ADDRESS_REFUSED
    assert tls_receiver.received == []


def test_plain_http_is_for_development_only(receiver: Receiver) -> None:
    network = FakeNetwork([PUBLIC])
    assert fault_of(through(network), f"http://{NAME}:{receiver.port}/") is PostFault.ADDRESS_REFUSED
    assert (network.resolved, receiver.received) == ([], [])


def test_if_an_address_does_not_respond_the_next_one_is_tried(authority: trustme.CA, tls_receiver: Receiver) -> None:
    network = FakeNetwork(["2606:2800:220:1::1", PUBLIC])
    connect_ipv4 = network.connect

    def connect(address: str, port: int, timeout_seconds: float) -> socket.socket:
        if ":" in address:
            raise OSError("no route")
        return connect_ipv4(address, port, timeout_seconds)

    network.connect = connect  # type: ignore[method-assign]
    through(network, authority).post(f"https://{NAME}:{tls_receiver.port}/", BODY, JSON)
    assert network.connected == [PUBLIC]


# --- TLS


def test_the_certificate_is_checked_against_the_name_of_the_url(authority: trustme.CA, tls_receiver: Receiver) -> None:
    url = f"https://other.example:{tls_receiver.port}/"
    assert fault_of(through(FakeNetwork([PUBLIC]), authority), url) is PostFault.TLS
    assert tls_receiver.received == []


def test_a_certificate_of_an_unknown_authority_is_refused(tls_receiver: Receiver) -> None:
    assert fault_of(through(FakeNetwork([PUBLIC])), f"https://{NAME}:{tls_receiver.port}/") is PostFault.TLS
    assert tls_receiver.received == []


def test_the_receiver_sees_the_name_of_the_url_and_not_the_address(
    authority: trustme.CA, tls_receiver: Receiver
) -> None:
    through(FakeNetwork([PUBLIC]), authority).post(f"https://{NAME}:{tls_receiver.port}/hooks?a=1", BODY, JSON)
    (got,) = tls_receiver.received
    assert (got.headers["host"], got.path, got.body) == (f"{NAME}:{tls_receiver.port}", "/hooks?a=1", BODY)
    assert got.headers["content-type"] == "application/json"


# --- responses and time limits


@pytest.mark.parametrize("status", [200, 204, 301, 302, 307, 404, 410, 500, 503])
def test_every_status_is_a_response_and_no_redirect_is_followed(receiver: Receiver, status: int) -> None:
    receiver.statuses, receiver.headers = [status], {"Location": receiver.url, "Retry-After": "7"}
    assert local().post(receiver.url, BODY, JSON) == PostResponse(status, "7")
    assert len(receiver.received) == 1


def test_proxies_in_the_environment_are_ignored(monkeypatch: pytest.MonkeyPatch, receiver: Receiver) -> None:
    for name in ("http_proxy", "HTTP_PROXY", "all_proxy", "ALL_PROXY"):
        monkeypatch.setenv(name, "http://127.0.0.1:1")
    assert local().post(receiver.url, BODY, JSON).status == 204


def test_a_response_may_take_longer_than_the_connection_may(
    monkeypatch: pytest.MonkeyPatch, receiver: Receiver
) -> None:
    monkeypatch.setattr(outbound, "_CONNECT_SECONDS", 0.2)
    receiver.pause_seconds = 0.6
    assert local().post(receiver.url, BODY, JSON).status == 204


def test_nothing_is_sent_after_the_timeout(receiver: Receiver) -> None:
    """A connection that is established too late is not used, because the try has been logged as timed out."""
    late = threading.Event()

    def connect(address: str, port: int, timeout_seconds: float) -> socket.socket:
        late.wait(5)
        return outbound.connect("127.0.0.1", port, timeout_seconds)

    assert fault_of(local(connect=connect, timeout_seconds=0.1), receiver.url) is PostFault.TIMEOUT
    late.set()
    time.sleep(0.3)
    assert receiver.received == []


def test_a_receiver_that_never_responds_times_out(receiver: Receiver) -> None:
    receiver.pause_seconds = 60
    begun = time.monotonic()
    assert fault_of(local(timeout_seconds=0.3), receiver.url) is PostFault.TIMEOUT
    assert time.monotonic() - begun < 20


def test_a_resolver_that_never_responds_times_out() -> None:
    released = threading.Event()

    def resolve(host: str, port: int) -> Sequence[str]:
        released.wait(20)
        return [PRIVATE]

    try:
        assert fault_of(Outbound(resolve=resolve, timeout_seconds=0.2), f"https://{NAME}/") is PostFault.TIMEOUT
    finally:
        released.set()


class RawServer:
    """A server that sends fixed bytes in response to any request: the first at once, then one by one with a pause."""

    def __init__(self, data: bytes, pause_seconds: float = 0, at_once: bytes = b"") -> None:
        self._data, self._pause, self._at_once = data, pause_seconds, at_once
        self._server = socket.create_server(("127.0.0.1", 0))
        self.url = f"http://127.0.0.1:{self._server.getsockname()[1]}/"
        self._thread = threading.Thread(target=self._serve)
        self._thread.start()

    def _serve(self) -> None:
        connection, _ = self._server.accept()
        with connection:
            try:
                connection.recv(65536)
                connection.sendall(self._at_once)
                for byte in self._data:
                    connection.sendall(bytes([byte]))
                    time.sleep(self._pause)
            except OSError:
                pass

    def close(self) -> None:
        self._thread.join()
        self._server.close()


def test_a_receiver_that_sends_its_response_byte_by_byte_times_out() -> None:
    server = RawServer(b"HTTP/1.1 200 OK\r\n" + b"x: y\r\n" * 200, pause_seconds=0.05)
    begun = time.monotonic()
    assert fault_of(local(timeout_seconds=0.3), server.url) is PostFault.TIMEOUT
    assert time.monotonic() - begun < 20
    server.close()


@pytest.mark.parametrize(
    "at_once",
    [b"", b"HTTP/1.1 200 OK\r\n", b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n"],
    ids=["status line", "headers", "size of a chunk"],
)
def test_a_receiver_that_drips_any_part_of_its_response_is_left_soon(
    monkeypatch: pytest.MonkeyPatch, at_once: bytes
) -> None:
    monkeypatch.setattr(outbound, "_READ_SECONDS", 0.3)
    begun = time.monotonic()
    server = RawServer(b"1" * 1000, pause_seconds=0.05, at_once=at_once)
    with contextlib.suppress(PostError):
        local(timeout_seconds=0.3).post(server.url, BODY, JSON)
    server.close()  # waits until the connection is closed
    assert time.monotonic() - begun < 20


def test_the_body_of_a_response_is_not_read() -> None:
    server = RawServer(b"HTTP/1.1 200 OK\r\ncontent-length: 1000000\r\n\r\n" + b"x" * 10_000)
    assert local().post(server.url, BODY, JSON).status == 200
    server.close()


@pytest.mark.parametrize("data", [b"", b"SSH-2.0-OpenSSH_9\r\n", b"HTTP/1.1 9"])
def test_a_response_that_is_not_http_is_no_response(data: bytes) -> None:
    server = RawServer(data)
    assert fault_of(local(), server.url) is PostFault.NO_ANSWER
    server.close()


def test_a_closed_port_cannot_be_connected() -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:
        port = server.getsockname()[1]
    assert fault_of(local(), f"http://127.0.0.1:{port}/") is PostFault.NOT_CONNECTED


def test_a_name_that_does_not_exist_is_unknown() -> None:
    def resolve(host: str, port: int) -> Sequence[str]:
        raise socket.gaierror(socket.EAI_NONAME, "Name or service not known")

    assert fault_of(Outbound(resolve=resolve), f"https://{NAME}/") is PostFault.NAME_UNKNOWN
