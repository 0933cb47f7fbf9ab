"""The first view of the page is small on the wire and painted soon."""

from __future__ import annotations

from typing import Any

from playwright.sync_api import expect

from tests.browser.conftest import assert_fast_once
from tests.support.visitor import Visitor, shown_in

MOST_BYTES = 100_000
MOST_PAINT_MS = 500
FIRST_PAINT_MS = "performance.getEntriesByName('first-contentful-paint')[0]?.startTime"
BOTH = shown_in({"English": {}, "German": {"locale": "de-DE"}})


@BOTH
def test_the_first_view_takes_less_than_100_kb_on_the_wire(visitor: Visitor) -> None:
    network = visitor.page.context.new_cdp_session(visitor.page)
    network.send("Network.enable")
    received: list[float] = []

    def count(loaded: dict[str, Any]) -> None:
        received.append(loaded["encodedDataLength"])

    network.on("Network.loadingFinished", count)
    visitor.open()
    visitor.page.wait_for_load_state("networkidle")

    assert 50_000 < sum(received) < MOST_BYTES, received


@BOTH
def test_the_first_paint_comes_within_half_a_second(visitor: Visitor) -> None:
    """Load until one load is fast enough. A busy machine delays most of them; a slow page is never fast."""

    def first_paint() -> float:
        visitor.page.goto("about:blank")
        visitor.open()
        visitor.page.wait_for_function(f"() => {FIRST_PAINT_MS}")
        expect(visitor.at("#sign-in-form")).to_be_visible()
        return float(visitor.evaluate(FIRST_PAINT_MS))

    assert_fast_once(first_paint, MOST_PAINT_MS)
