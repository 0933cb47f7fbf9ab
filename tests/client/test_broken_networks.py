"""The client does its work on a network that breaks, and when a person interrupts it."""

from __future__ import annotations

import asyncio
import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from itertools import count
from pathlib import Path

import pytest
from client_export import (
    AsyncExportClient,
    AuthenticationError,
    ExportClient,
    ExportRequest,
    FileFormat,
    RetryPolicy,
    ServiceError,
)

from devhost.local.paths import ROOT
from tests.client.proxy import Fault, Proxy, Seen, proxy_of
from tests.support.system import NORTHWIND, NORTHWIND_KEY, System
from tests.support.waiting import wait_until

POLICY = RetryPolicy(first_pause_seconds=0.05)
CUT_BYTES = 150_000
INTERRUPTIBLE = """
import signal
from client_export.cli.main import main
signal.signal(signal.SIGINT, signal.default_int_handler)
main()
"""
"""The command line, also where the tests run in the background, whose programs ignore Ctrl-C from the start."""


@pytest.fixture
def proxy(system: System) -> Iterator[Proxy]:
    with proxy_of(system.url) as running:
        yield running


@pytest.fixture
def client(proxy: Proxy) -> Iterator[ExportClient]:
    with ExportClient(proxy.url, key=NORTHWIND_KEY, tenant=NORTHWIND, retries=POLICY) as opened:
        yield opened


@pytest.fixture(scope="module")
def code(system: System) -> str:
    """The code of a completed export of several pages."""
    with ExportClient(system.url, key=NORTHWIND_KEY, tenant=NORTHWIND) as client:
        job = client.wait(client.start().code)
        assert (job.file_size or 0) > 2 * CUT_BYTES
        return job.code


def cut_first_of_storage(proxy: Proxy) -> None:
    proxy.faults = lambda request: (
        Fault(keep_bytes=CUT_BYTES) if request.is_of_storage and not proxy.of_storage() else None
    )


def ranges(proxy: Proxy) -> list[str | None]:
    return [request.headers.get("range") for request in proxy.of_storage()]


def test_an_expired_link_is_replaced_by_a_new_one_during_a_download(
    proxy: Proxy, client: ExportClient, code: str, tmp_path: Path
) -> None:
    links, pulls = count(), count()

    def faults(request: Seen) -> Fault | None:
        if request.path.endswith("/download"):
            return Fault(expire_link=next(links) == 0)
        return Fault(keep_bytes=CUT_BYTES) if request.is_of_storage and next(pulls) == 1 else None

    proxy.faults = faults
    found = client.download(code, tmp_path / "clients.csv")
    assert found.verification.is_proved
    assert next(links) == 2
    assert ranges(proxy) == [None, None, f"bytes={CUT_BYTES}-"]


def test_a_broken_download_goes_on_at_the_byte_where_it_broke(
    proxy: Proxy, client: ExportClient, code: str, tmp_path: Path
) -> None:
    cut_first_of_storage(proxy)
    assert client.download(code, tmp_path / "clients.csv").verification.is_proved
    assert ranges(proxy) == [None, f"bytes={CUT_BYTES}-"]
    assert [path.name for path in tmp_path.iterdir()] == ["clients.csv"]


def test_the_asynchronous_client_goes_on_where_a_download_broke(proxy: Proxy, code: str, tmp_path: Path) -> None:
    async def download() -> bool:
        async with AsyncExportClient(proxy.url, key=NORTHWIND_KEY, tenant=NORTHWIND, retries=POLICY) as client:
            return (await client.download(code, tmp_path / "clients.csv")).verification.is_proved

    cut_first_of_storage(proxy)
    assert asyncio.run(download())
    assert ranges(proxy) == [None, f"bytes={CUT_BYTES}-"]


def test_a_request_is_sent_again_after_the_time_that_the_service_names(
    proxy: Proxy, client: ExportClient, code: str
) -> None:
    proxy.faults = lambda request: None if proxy.seen else Fault(status=503, retry_after="1")
    started = time.monotonic()
    assert client.status(code).code == code
    assert 1 <= time.monotonic() - started < 10
    assert len(proxy.seen) == 2


def test_a_pause_longer_than_the_policy_allows_is_an_error_at_once(
    proxy: Proxy, client: ExportClient, code: str
) -> None:
    proxy.faults = lambda request: Fault(status=503, retry_after="3600")
    with pytest.raises(ServiceError):
        client.status(code)
    assert len(proxy.seen) == 1


def test_a_start_whose_answer_is_lost_starts_no_second_export(proxy: Proxy, client: ExportClient) -> None:
    name = f"lost-answer-{os.getpid()}-{time.monotonic_ns()}"
    proxy.faults = lambda request: None if proxy.seen else Fault(keep_bytes=0)
    job = client.start({"columnMappings": [{"csvHeader": name, "targetField": "Code"}], "format": {"fileName": name}})
    keys = [request.headers["idempotency-key"] for request in proxy.seen]
    assert len(keys) == 2
    assert len(set(keys)) == 1
    client.wait(job.code)
    named = [each.code for each in client.list() if (each.file_name or "").startswith(name)]
    assert named == [job.code]


def test_a_key_whose_answer_is_lost_is_replaced_by_the_one_of_the_repeat(proxy: Proxy, client: ExportClient) -> None:
    made = client.create_key("To rotate", scopes=["exports:read"])

    def lose_first_answer() -> None:
        proxy.seen.clear()
        proxy.faults = lambda request: None if proxy.seen else Fault(keep_bytes=0)

    lose_first_answer()
    new = client.rotate_key(made.key.code)
    assert len(proxy.seen) == 2
    lose_first_answer()
    other = client.create_key("Lost at first", scopes=["exports:read"])
    keys = list(client.keys())
    valid = [key.code for key in keys if key.state == "Active"]
    assert {made.key.code, new.key.code, other.key.code} <= {*valid}
    lost = [key for key in keys if key.state == "Revoked" and key.name in ("To rotate", "Lost at first")]
    assert len(lost) == 2
    for each in (new, other):
        with ExportClient(proxy.url, key=each.text) as owner:
            assert owner.me().name == each.key.name


def test_a_token_is_sent_to_the_service_and_never_to_storage(
    proxy: Proxy, client: ExportClient, code: str, tmp_path: Path
) -> None:
    client.download(code, tmp_path / "clients.csv")
    assert proxy.of_storage()
    assert all("x-api-key" not in request.headers for request in proxy.of_storage())
    tokens = iter(("first", "second"))
    with ExportClient(proxy.url, token=lambda: next(tokens), retries=RetryPolicy(tries=1)) as other:
        for _ in range(2):
            with pytest.raises(AuthenticationError):
                other.status(code)
    assert [request.headers.get("authorization") for request in proxy.seen[-2:]] == ["Bearer first", "Bearer second"]


def test_ctrl_c_leaves_no_half_file_and_the_next_download_goes_on(
    proxy: Proxy, client: ExportClient, code: str, tmp_path: Path
) -> None:
    proxy.faults = lambda request: Fault(keep_bytes=CUT_BYTES, stalls=True) if request.is_of_storage else None
    target = tmp_path / "clients.csv"
    settings = {"CLIENT_EXPORT_URL": proxy.url, "CLIENT_EXPORT_KEY": NORTHWIND_KEY, "CLIENT_EXPORT_TENANT": NORTHWIND}
    command = [sys.executable, "-c", INTERRUPTIBLE, "download", code, "-o", str(target)]
    process = subprocess.Popen(
        command, env={**os.environ, **settings, "PYTHONPATH": str(ROOT / "client" / "src")}, stderr=subprocess.PIPE
    )
    part = target.with_name(f".clients.csv.{code}.part")
    wait_until(lambda: part.exists() and part.stat().st_size > 0, 30)
    process.send_signal(signal.SIGINT)
    _, said = process.communicate(timeout=30)
    assert process.returncode == 130
    assert b"Traceback" not in said
    assert not target.exists()
    assert 0 < part.stat().st_size <= CUT_BYTES

    proxy.faults = lambda request: None
    assert client.download(code, target).verification.is_proved
    assert int(proxy.of_storage()[-1].headers["range"].strip("bytes=-")) > 0
    assert [path.name for path in tmp_path.iterdir()] == ["clients.csv"]


def test_a_workbook_request_carries_what_becomes_of_long_cells() -> None:
    assert ExportRequest(format=FileFormat("xlsx", long_cells="fail")).body()["format"] == {
        "preset": "xlsx",
        "longCells": "fail",
    }
