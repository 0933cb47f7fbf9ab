"""Drives the ui in a browser as a visitor does, and records errors and requests."""

from __future__ import annotations

import re
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import ConsoleMessage, Download, Locator, Page, Request, Route, expect

from tests.support.system import NORTHWIND_KEY, System

TIMEOUT_MS = 60_000
_EXPECTED_MESSAGES = re.compile(
    r"Failed to load resource: (the server responded with a status of (4\d\d|503)|net::ERR_INTERNET_DISC)"
)
"""Browsers log these responses themselves, even if the ui expects them: 503 asks to come again, as lookups of a locked
database are answered."""


def shown_in(windows: Mapping[str, Mapping[str, Any]]) -> pytest.MarkDecorator:
    """Let a test see the page in several windows. A run that is not thorough uses the first one only.

    Args:
        windows: Options of Playwright's `new_context` by the id of the case.
    """
    (first, options), *others = windows.items()
    thorough = [pytest.param(more, id=name, marks=pytest.mark.thorough) for name, more in others]
    return pytest.mark.parametrize("visitor", [pytest.param(options, id=first), *thorough], indirect=True)


@dataclass
class Visitor:
    """A visitor of the ui: one browser page, with its errors and requests.

    Attributes:
        errors: Console messages and uncaught exceptions.
        requests: All requests that the page sent.
        issuer: The address of an issuer of tokens, to which the page may send requests too.
    """

    page: Page
    system: System
    errors: list[str] = field(default_factory=list)
    requests: list[Request] = field(default_factory=list)
    issuer: str = "data:"

    def __post_init__(self) -> None:
        self.page.set_default_timeout(TIMEOUT_MS)
        self.page.on("console", self._record_message)
        self.page.on("pageerror", lambda error: self.errors.append(str(error)))
        self.page.on("request", self._record_request)

    def _record_message(self, message: ConsoleMessage) -> None:
        if not _EXPECTED_MESSAGES.match(message.text):
            self.errors.append(message.text)

    def _record_request(self, request: Request) -> None:
        self.requests.append(request)

    def assert_no_errors(self) -> None:
        """Check that there was no error, no violated policy, no request to another origin, and no API key in a URL."""
        assert self.errors == [], self.errors
        urls = [request.url for request in self.requests]
        known = (self.system.url, "data:", self.issuer)
        assert [url for url in urls if not url.startswith(known) and not _is_link(url)] == []
        assert [url for url in urls if "cx_" in url] == []

    def at(self, selector: str) -> Locator:
        return self.page.locator(selector)

    def open(self) -> Visitor:
        self.page.goto(self.system.url)
        return self

    def sign_in(self, key: str = NORTHWIND_KEY, tenant: str | None = None) -> Visitor:
        """Open the ui and sign in."""
        self.open()
        self.give_key(key)
        if tenant is not None:
            self.give_tenant(tenant)
        expect(self.at("#work")).to_be_visible(timeout=TIMEOUT_MS)
        return self

    def give_key(self, key: str) -> None:
        self.at("#key").fill(key)
        self.at("#sign-in-submit").click()

    def give_tenant(self, tenant: str) -> None:
        self.at("#tenant").select_option(tenant)
        self.at("#sign-in-submit").click()

    def go(self, view: str) -> None:
        """Open another view of the page by its link."""
        self.at(f"#views a[href='#{view}']").click()
        expect(self.at(f"#view-{view}")).to_be_visible()

    def choose(self, source: str) -> None:
        """Select where the columns come from: `all`, `mapping` or `chosen`."""
        self.at(f"input[name=columns][value={source}]").check()

    def pick(self, *fields: str) -> None:
        self.choose("chosen")
        for name in fields:
            self.at(f"[data-field={name}]").check()

    def headings(self) -> list[str]:
        """Return the headings in the list of selected columns, in order."""
        return [box.input_value() for box in self.at("#chosen input").all()]

    def export(self) -> None:
        expect(self.at("#export")).not_to_have_attribute("aria-disabled", "true", timeout=TIMEOUT_MS)
        self.at("#export").click()

    def expect_status(self, status: str) -> None:
        """Wait until the job has a status. Until a start is answered, the page may show a job that ran before."""
        expect(self.at("#export")).not_to_have_attribute("aria-disabled", "true", timeout=TIMEOUT_MS)
        expect(self.at("#job")).to_have_attribute("data-status", status, timeout=TIMEOUT_MS)

    def export_and_download(self) -> bytes:
        """Start an export with the settings of the form; return the bytes of its file."""
        self.export()
        self.expect_status("Completed")
        return read_download(self.download())

    def download(self) -> Download:
        with self.page.expect_download(timeout=TIMEOUT_MS) as coming:
            self.at("#job-download").click()
        return coming.value

    def expect_text(self, selector: str, text: str | re.Pattern[str]) -> None:
        """Wait until an element is visible and contains a text."""
        expect(self.at(selector)).to_be_visible(timeout=TIMEOUT_MS)
        expect(self.at(selector)).to_contain_text(text, timeout=TIMEOUT_MS)

    def fault_of(self, selector: str) -> str:
        """Return the error text that assistive technology reads out for an invalid field."""
        box = self.at(selector)
        expect(box).to_have_attribute("aria-invalid", "true", timeout=TIMEOUT_MS)
        ids = (box.get_attribute("aria-describedby") or "").split()
        return " ".join(filter(None, (self.at(f"#{each}").inner_text() for each in ids)))

    def is_german(self) -> bool:
        """Return whether the page is in German, as the parameters of some tests ask."""
        return bool(self.page.evaluate("document.documentElement.lang === 'de'"))

    def overflows(self) -> bool:
        """Return whether the page is wider than its window."""
        return bool(self.page.evaluate("document.documentElement.scrollWidth > document.documentElement.clientWidth"))

    def evaluate(self, script: str, argument: Any = None) -> Any:
        return self.page.evaluate(script, argument)

    def hold(self, url: str | re.Pattern[str], times: int | None = None) -> list[Route]:
        """Keep requests waiting until the test answers them. They are added to the returned list as they come."""
        held: list[Route] = []

        def keep(route: Route) -> None:
            held.append(route)

        self.page.route(url, keep, times=times)
        return held

    def requests_where(self, fits: Callable[[Request], bool]) -> list[Request]:
        return [request for request in self.requests if fits(request)]

    def wait_for_requests(self, fits: Callable[[Request], bool], count: int) -> None:
        """Wait until the page has sent at least `count` such requests."""
        deadline = time.monotonic() + TIMEOUT_MS / 1000
        while len(self.requests_where(fits)) < count:
            assert time.monotonic() < deadline, self.requests
            self.page.wait_for_timeout(50)


def _is_link(url: str) -> bool:
    return "sig=" in url and "/exports/" in url


def read_download(download: Download) -> bytes:
    return Path(download.path()).read_bytes()
