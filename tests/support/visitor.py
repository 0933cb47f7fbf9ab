"""Somebody with a browser on the export page. Whatever they do, there are no errors and no requests elsewhere."""

from __future__ import annotations

import re
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from playwright.sync_api import ConsoleMessage, Download, Locator, Page, Request, expect

from tests.support.system import NORTHWIND_KEY, System

PATIENCE_MS = 60_000
_REFUSALS = re.compile(r"Failed to load resource: (the server responded with a status of 4\d\d|net::ERR_INTERNET_DISC)")
"""Browsers log answers of this kind by themselves, whether the page expects them or not."""


@dataclass
class Visitor:
    """A page and all that could be said against it.

    Attributes:
        complaints: What the console said, and uncaught exceptions.
        requests: All requests.
    """

    page: Page
    system: System
    complaints: list[str] = field(default_factory=list)
    requests: list[Request] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.page.set_default_timeout(PATIENCE_MS)
        self.page.on("console", self._hear)
        self.page.on("pageerror", lambda error: self.complaints.append(str(error)))
        self.page.on("request", self._see)

    def _hear(self, message: ConsoleMessage) -> None:
        if not _REFUSALS.match(message.text):
            self.complaints.append(message.text)

    def _see(self, request: Request) -> None:
        self.requests.append(request)

    def assert_all_is_well(self) -> None:
        """No error, no violated policy, no request to another origin, and no key in an address."""
        assert self.complaints == []
        urls = [request.url for request in self.requests]
        assert [url for url in urls if not url.startswith((self.system.url, "data:")) and not _is_link(url)] == []
        assert [url for url in urls if "cx_" in url] == []

    def at(self, selector: str) -> Locator:
        return self.page.locator(selector)

    def open(self) -> Visitor:
        self.page.goto(self.system.url)
        return self

    def enter(self, key: str = NORTHWIND_KEY, tenant: str | None = None) -> Visitor:
        """Open the page and come in."""
        self.open()
        self.give_key(key)
        if tenant is not None:
            self.give_tenant(tenant)
        expect(self.at("#work")).to_be_visible(timeout=PATIENCE_MS)
        return self

    def give_key(self, key: str) -> None:
        self.at("#key").fill(key)
        self.at("#enter").click()

    def give_tenant(self, tenant: str) -> None:
        self.at("#tenant").fill(tenant)
        self.at("#enter").click()

    def choose(self, source: str) -> None:
        """Choose where the columns come from: all, mapping, chosen."""
        self.at(f"input[name=columns][value={source}]").check()

    def pick(self, *fields: str) -> None:
        self.choose("chosen")
        for name in fields:
            self.at(f"[data-field={name}]").check()

    def headings(self) -> list[str]:
        """The columns as they stand in the list."""
        return [box.input_value() for box in self.at("#chosen input").all()]

    def export(self) -> None:
        self.at("#export").click()

    def expect_status(self, status: str) -> None:
        expect(self.at("#job")).to_have_attribute("data-status", status, timeout=PATIENCE_MS)

    def exported(self) -> bytes:
        """Start an export as the form says, and download its file."""
        self.export()
        self.expect_status("Completed")
        return bytes_of(self.download())

    def download(self) -> Download:
        with self.page.expect_download(timeout=PATIENCE_MS) as coming:
            self.at("#job-download").click()
        return coming.value

    def said(self, selector: str, text: str | re.Pattern[str]) -> None:
        """Wait until an element is visible and says this."""
        expect(self.at(selector)).to_be_visible(timeout=PATIENCE_MS)
        expect(self.at(selector)).to_contain_text(text, timeout=PATIENCE_MS)

    def fault_of(self, selector: str) -> str:
        """What those who hear the page are told is wrong with a field."""
        box = self.at(selector)
        expect(box).to_have_attribute("aria-invalid", "true", timeout=PATIENCE_MS)
        ids = (box.get_attribute("aria-describedby") or "").split()
        return " ".join(self.at(f"#{each}").inner_text() for each in ids)

    def overflows(self) -> bool:
        """Say whether the page is wider than its window."""
        return bool(self.page.evaluate("document.documentElement.scrollWidth > document.documentElement.clientWidth"))

    def evaluate(self, script: str, argument: Any = None) -> Any:
        return self.page.evaluate(script, argument)

    def requests_where(self, fits: Callable[[Request], bool]) -> list[Request]:
        return [request for request in self.requests if fits(request)]

    def wait_for_requests(self, fits: Callable[[Request], bool], count: int) -> None:
        """Wait until the page has sent so many."""
        deadline = time.monotonic() + PATIENCE_MS / 1000
        while len(self.requests_where(fits)) < count:
            assert time.monotonic() < deadline, self.requests
            self.page.wait_for_timeout(50)


def _is_link(url: str) -> bool:
    return "sig=" in url and "/exports/" in url


def bytes_of(download: Download) -> bytes:
    return Path(download.path()).read_bytes()
