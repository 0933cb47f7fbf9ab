"""One Chromium for all tests of the page, on the system of the end-to-end tests."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from contextlib import closing, contextmanager
from typing import Any

import pytest
from playwright.sync_api import Browser

from shared.storage import StorageAccount
from shared.table_keys import TableKeyStore
from tests.support.chromium import running_browser
from tests.support.keys import a_key
from tests.support.system import EXPORT, NORTHWIND, System
from tests.support.visitor import Visitor


@pytest.fixture(scope="package")
def browser() -> Iterator[Browser]:
    """A browser; it ends with these tests, since other tests start event loops of their own."""
    with running_browser() as running:
        yield running


@pytest.fixture
def visitor(browser: Browser, system: System, request: pytest.FixtureRequest) -> Iterator[Visitor]:
    """A person at a desk, unless the test says otherwise; they must not meet an error in the end."""
    usual: dict[str, Any] = {
        "viewport": {"width": 1280, "height": 900},
        "locale": "en-GB",
        "timezone_id": "Europe/London",
        "reduced_motion": "reduce",
    }
    context = browser.new_context(**usual | getattr(request, "param", {}))
    try:
        visitor = Visitor(context.new_page(), system)
        yield visitor
        visitor.assert_no_errors()
    finally:
        context.close()


@pytest.fixture
def key_without_sensitive_fields(system: System) -> str:
    """A key of `northwind` that may do everything else."""
    account = StorageAccount(system.settings["EXPORT_STORAGE"])
    key, text = a_key(NORTHWIND, scopes=("exports:read", "exports:write", "mappings:write"))
    assert TableKeyStore(account).add(key)
    account.tables.close()
    return text


@contextmanager
def clients_held(database_url: str) -> Iterator[None]:
    """Keep everybody from reading clients meanwhile; what exports have begun stays as it is."""
    with closing(sqlite3.connect(database_url.removeprefix("sqlite:///"), isolation_level=None, timeout=30)) as held:
        held.execute("BEGIN EXCLUSIVE")
        yield


@pytest.fixture
def busy_system(system: System) -> Iterator[System]:
    """A system with so much to do that another export takes some seconds."""
    jobs = [system.start_async() for _ in range(12)]
    yield system
    for job in jobs:
        system.call("DELETE", job)
    for job in jobs:
        system.wait(job)


def jobs_of(system: System) -> set[str]:
    """The codes of the newest jobs of `northwind`."""
    listed = system.call("GET", f"/tenants/{NORTHWIND}{EXPORT}?limit=100").json["data"]
    return {job["code"] for job in listed}
