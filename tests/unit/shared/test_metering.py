"""A meter counts each request once, for the piece of work that sent it."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from types import SimpleNamespace

import pytest
from azure.core.rest import HttpRequest

from shared.invocations import carried
from shared.metering import current_meter, meter_request, metering

BLOB, TABLE = "http://127.0.0.1/account/container/blob", "http://127.0.0.1/account/table"


def _send(service: str = "blob", method: str = "GET", url: str = BLOB, length: str | None = None) -> None:
    headers = {} if length is None else {"Content-Length": length}
    meter_request(service, SimpleNamespace(http_request=HttpRequest(method, url, headers=headers)))


@pytest.mark.parametrize(
    ("service", "method", "url", "kind"),
    [
        ("blob", "PUT", f"{BLOB}?comp=block&blockid=x", "blob_write"),
        ("blob", "PUT", f"{BLOB}?comp=blocklist", "blob_write"),
        ("blob", "GET", f"{BLOB}?comp=blocklist", "blob_read"),
        ("blob", "HEAD", BLOB, "blob_read"),
        ("blob", "GET", "http://127.0.0.1/account/container?restype=container&comp=list", "blob_write"),
        ("blob", "DELETE", BLOB, "blob_delete"),
        ("table", "GET", f"{TABLE}(PartitionKey='list',RowKey='comp=list')", "table_read"),
        ("table", "POST", TABLE, "table_write"),
        ("table", "PATCH", TABLE, "table_write"),
        ("table", "PUT", TABLE, "table_write"),
        ("table", "DELETE", TABLE, "table_write"),
    ],
)
def test_a_request_is_counted_under_its_price_class(service: str, method: str, url: str, kind: str) -> None:
    with metering() as meter:
        _send(service, method, url)
    assert meter.requests == {kind: 1}


def test_the_sizes_of_request_bodies_are_added_up() -> None:
    with metering() as meter:
        for length in ("100", "0", None, "23"):
            _send(length=length)
    assert meter.bytes_sent == 123


def test_requests_outside_a_metering_context_are_not_counted() -> None:
    with metering() as meter:
        pass
    _send()
    assert current_meter() is None
    assert not meter.requests


def test_an_inner_meter_counts_only_its_own_requests() -> None:
    with metering() as outer:
        _send()
        with metering() as inner:
            _send()
            _send()
        assert current_meter() is outer
    assert (outer.requests["blob_read"], inner.requests["blob_read"]) == (1, 2)


def test_a_thread_counts_only_for_a_function_that_is_carried_to_it() -> None:
    with metering() as meter, ThreadPoolExecutor(8) as pool:
        list(pool.map(lambda _: _send(), range(100)))
        assert not meter.requests
        list(pool.map(carried(lambda _: _send()), range(1_000)))
        assert meter.requests == {"blob_read": 1_000}
        list(pool.map(lambda _: _send(), range(100)))
    assert meter.requests == {"blob_read": 1_000}
