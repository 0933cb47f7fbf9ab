"""A wrong key is an error of authentication at once, also when the service slows the address that sends it."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor

import pytest
from client_export import AuthenticationError, ExportClient, RetryPolicy, TooManyWrongKeysError

from devhost.local.paths import ROOT
from tests.client.proxy import Proxy, proxy_of
from tests.support.system import EXPORT, NORTHWIND, NORTHWIND_KEY, System, running_system, sample_database

pytestmark = pytest.mark.thorough

CODE = "7zzzzzzzzzzzzzzzzzzzzzzzzz"


@pytest.fixture(scope="module")
def strict(tmp_path_factory: pytest.TempPathFactory) -> Iterator[System]:
    """A system whose processes allow one wrong key a minute."""
    directory = tmp_path_factory.mktemp("strict")
    with running_system(
        directory, sample_database(directory, 20), {"EXPORT_MAX_WRONG_KEYS": "1"}, workers=1
    ) as running:
        yield running


@pytest.fixture(autouse=True)
def slowed(strict: System) -> None:
    """Let each process slow this address: for a minute, so each test begins with it."""

    def guess(_: int) -> int:
        return strict.call("GET", f"/tenants/{NORTHWIND}{EXPORT}", key="wrong").status

    with ThreadPoolExecutor(8) as pool:  # at once, so that each of the processes gets some
        assert set(pool.map(guess, range(40))) <= {401, 429}


@pytest.fixture
def proxy(strict: System) -> Iterator[Proxy]:
    with proxy_of(strict.url) as running:
        yield running


def test_a_client_with_a_wrong_key_that_is_slowed_asks_once_and_says_so(proxy: Proxy) -> None:
    began, patient = time.monotonic(), RetryPolicy(longest_pause_seconds=100)
    with (
        ExportClient(proxy.url, key="wrong", tenant=NORTHWIND, retries=patient) as client,
        pytest.raises(AuthenticationError) as raised,
    ):
        client.status(CODE)
    assert isinstance(raised.value, TooManyWrongKeysError)
    assert raised.value.status == 429
    assert len(proxy.seen) == 1
    assert time.monotonic() - began < 10, "it does not wait as long as Retry-After says"


def test_a_client_with_a_right_key_at_the_same_address_works(proxy: Proxy) -> None:
    with ExportClient(proxy.url, key=NORTHWIND_KEY, tenant=NORTHWIND) as client:
        assert client.wait(client.start({}).code).status == "Completed"


def test_the_command_line_ends_with_the_exit_code_of_a_wrong_key(strict: System) -> None:
    settings = {"CLIENT_EXPORT_URL": strict.url, "CLIENT_EXPORT_KEY": "wrong", "CLIENT_EXPORT_TENANT": NORTHWIND}
    done = subprocess.run(
        [sys.executable, "-m", "client_export", "list"],
        env={**os.environ, **settings, "PYTHONPATH": str(ROOT / "client" / "src")},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 4
    assert "a valid one works at once" in done.stderr
