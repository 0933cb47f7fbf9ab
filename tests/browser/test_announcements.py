"""What a screen reader is told while an export runs: its beginning, a quarter now and then, its end, and no more."""

from __future__ import annotations

import re
from typing import Any

from playwright.sync_api import expect

from tests.browser.conftest import start_in_page, stopped_halfway
from tests.browser.test_exports import is_poll
from tests.support.system import System
from tests.support.visitor import TIMEOUT_MS, Visitor, shown_in

RECORD = """() => {
  const live = '[aria-live]:not([aria-live=off]), [role=status], [role=alert], [role=log], [role=timer], output';
  const place = (node) => (node instanceof Element ? node : node.parentElement)?.closest(live);
  window.heard = [];
  new MutationObserver((changes) => {
    for (const region of new Set(changes.map(({ target }) => place(target)))) {
      const text = region?.checkVisibility() ? region.textContent.trim() : '';
      if (text) window.heard.push([region.id, text]);
    }
  }).observe(document, { subtree: true, childList: true, characterData: true, attributeFilter: ['hidden'] });
  window.drawn = new Set();
  const drawn = document.getElementById('job-text');
  new MutationObserver(() => window.drawn.add(drawn.textContent)).observe(drawn, { childList: true });
}"""
CHATTER = """async () => {
  for (const text of ['one', 'two', 'three']) {
    document.getElementById('announce').textContent = text;
    await new Promise((done) => setTimeout(done));
  }
}"""
MOST = 2 + 1 + 3
"""The export waits, runs and ends; and its progress passes a quarter, the half and three quarters."""


def heard(visitor: Visitor) -> list[list[str]]:
    """Return the announcements so far: the region, and its text."""
    found: list[list[str]] = visitor.evaluate("window.heard")
    return found


@shown_in({"English": {}, "German": {"locale": "de-DE"}})
def test_a_running_export_is_announced_at_its_ends_and_once_a_quarter(
    visitor: Visitor, system: System, database_url: str
) -> None:
    visitor.sign_in()
    expect(visitor.at("#preview")).to_have_attribute("aria-busy", "false")
    expect(visitor.at("#estimated")).to_be_visible()
    visitor.evaluate(RECORD)

    def start() -> str:
        location = start_in_page(visitor, system)
        visitor.wait_for_requests(is_poll, 3)
        return location

    with stopped_halfway(system, database_url, start) as location:
        visitor.wait_for_requests(is_poll, len(visitor.requests_where(is_poll)) + 5)
    visitor.expect_status("Completed")
    title = visitor.at("#job-title").inner_text()
    visitor.page.wait_for_function(
        "() => window.heard.at(-1)[1].startsWith(document.getElementById('job-title').textContent)"
    )

    told = heard(visitor)
    pages: list[Any] = system.call("GET", f"{location}/manifest").json["pages"]
    assert len(pages) >= 8
    assert len(visitor.requests_where(is_poll)) >= 8 > MOST >= len(told), told
    assert {region for region, _ in told} == {"announce"}
    assert told[-1][1].startswith(title)
    assert sum(text.startswith(title) for _, text in told) == 1
    progress = [int(found[1]) for _, text in told[:-1] if (found := re.search(r"(\d+)\s?%", text))]
    quarters = [percent // 25 for percent in progress]
    assert quarters == sorted(set(quarters)), told
    assert len(visitor.evaluate("[...window.drawn]")) > 1, "the page draws more often than it speaks"


def test_a_page_that_chatters_is_noticed(visitor: Visitor) -> None:
    visitor.sign_in()
    expect(visitor.at("#announce")).not_to_be_empty(timeout=TIMEOUT_MS)
    visitor.evaluate(RECORD)
    visitor.evaluate(CHATTER)
    assert heard(visitor) == [["announce", "one"], ["announce", "two"], ["announce", "three"]]
