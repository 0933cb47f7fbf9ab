"""The contract of `WebhookSender`, tested on the fake and over HTTP. `test_outbound.py` tests the network itself."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass

import pytest

from exports.adapters.http_webhooks import HttpWebhookSender
from exports.notifications.delivery import SendResult
from exports.ports.webhooks import WebhookSender
from shared.outbound import Outbound
from tests.support.fake_webhooks import MemoryWebhookSender
from tests.support.receiver import a_receiver

BODY = '{"name": "Ärger"}'.encode()
HEADERS = {"Content-Type": "application/json", "webhook-id": "msg_1"}


@dataclass(frozen=True)
class Line:
    """A sender and its receiver.

    Attributes:
        url: The URL of the receiver.
        answer: Sets the next response: its status and its `Retry-After`.
        received: Returns the bodies and headers of the requests so far.
    """

    sender: WebhookSender
    url: str
    answer: Callable[[int, str | None], None]
    received: Callable[[], Sequence[tuple[bytes, Mapping[str, str]]]]


def _in_memory() -> Iterator[Line]:
    sender = MemoryWebhookSender()
    yield Line(
        sender,
        "https://hooks.example/a?b=c",
        lambda status, retry_after: sender.answers.append(SendResult(status=status, retry_after=retry_after)),
        lambda: [(each.body, {name.lower(): value for name, value in each.headers.items()}) for each in sender.posted],
    )


def _over_http() -> Iterator[Line]:
    with a_receiver() as receiver:

        def answer(status: int, retry_after: str | None) -> None:
            receiver.statuses.append(status)
            receiver.headers = {} if retry_after is None else {"Retry-After": retry_after}

        sender = HttpWebhookSender(allow_private=True)
        yield Line(sender, receiver.url, answer, lambda: [(each.body, each.headers) for each in receiver.received])


@pytest.fixture(params=[_in_memory, _over_http], ids=["memory", "http"])
def line(request: pytest.FixtureRequest) -> Iterator[Line]:
    yield from request.param()


def test_the_body_arrives_byte_for_byte_with_its_headers(line: Line) -> None:
    assert line.sender.post(line.url, BODY, HEADERS).is_delivered
    ((body, headers),) = line.received()
    assert body == BODY
    assert headers["content-type"] == "application/json"
    assert headers["webhook-id"] == "msg_1"


@pytest.mark.parametrize(("status", "retry_after"), [(200, None), (302, None), (410, None), (503, "7"), (500, None)])
def test_the_result_holds_the_status_and_the_retry_after(line: Line, status: int, retry_after: str | None) -> None:
    line.answer(status, retry_after)
    sent = line.sender.post(line.url, BODY, HEADERS)
    assert (sent.status, sent.fault, sent.retry_after) == (status, None, retry_after)


def test_every_call_sends_once(line: Line) -> None:
    line.answer(500, None)
    statuses = [line.sender.post(line.url, BODY, HEADERS).status for _ in range(2)]
    assert statuses == [500, 204]
    assert len(line.received()) == 2


def test_a_timeout_is_reported_as_a_fault_with_its_duration() -> None:
    with a_receiver() as receiver:
        receiver.pause_seconds = 1
        sender = HttpWebhookSender(outbound=Outbound(allow_private=True, timeout_seconds=0.2))
        sent = sender.post(receiver.url, BODY, HEADERS)
    assert (sent.status, sent.fault) == (None, "timeout")
    assert sent.milliseconds >= 200


def test_private_addresses_are_refused_unless_allowed() -> None:
    with a_receiver() as receiver:
        sent = HttpWebhookSender().post(receiver.url.replace("http:", "https:"), BODY, HEADERS)
        assert (sent.fault, sent.is_final, receiver.received) == ("address-refused", True, [])
