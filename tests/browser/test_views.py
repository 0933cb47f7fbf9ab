"""The views of the page: reached by links, named by the address, and in each language."""

from __future__ import annotations

import re

import pytest
from playwright.sync_api import expect

from exports.triggers.http.ui.render import content_policy, render_in
from exports.triggers.http.ui.texts import Texts, languages
from tests.browser.test_accessibility import assert_accessible, press_until
from tests.support.system import NORTHWIND_KEY
from tests.support.visitor import Visitor

GERMAN = {"locale": "de-DE"}
VIEWS = ("export", "history", "schedules", "verify")
VISIBLE_TEXTS = """() => {
  const found = [];
  const walker = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT);
  for (let node = walker.nextNode(); node; node = walker.nextNode()) {
    const skipped = 'script, style, noscript, th[scope=row], .filters option, #signed-in-name, #mapping-columns, '
      + '#mapping option, #schedule-weekday *, '
      + '#preview-head, #preview-rows, #preview-text, .codes-list';
    if (!node.parentElement.closest(skipped) && node.textContent.trim()) found.push(node.textContent.trim());
  }
  for (const element of document.querySelectorAll('body *'))
    for (const name of ['aria-label', 'placeholder', 'title', 'label'])
      if (element.getAttribute(name)) found.push(element.getAttribute(name));
  return found;
}"""


def expect_view(visitor: Visitor, view: str) -> None:
    for each in VIEWS:
        expect(visitor.at(f"#view-{each}")).to_be_visible(visible=each == view)
    expect(visitor.at("#views [aria-current=page]")).to_have_attribute("href", f"#{view}")


def test_the_views_are_reached_by_keyboard_and_named_by_the_address(visitor: Visitor) -> None:
    visitor.sign_in()
    expect_view(visitor, "export")
    for view in ("history", "schedules", "verify"):
        press_until(visitor, "Tab", f"#views a[href='#{view}']")
        visitor.page.keyboard.press("Enter")
        expect_view(visitor, view)
        assert visitor.page.url == f"{visitor.system.url}/#{view}"
        expect(visitor.at(f"#view-{view} h1")).to_be_focused()
        visitor.evaluate("document.activeElement.blur()")
    visitor.page.go_back()
    expect_view(visitor, "schedules")
    visitor.page.reload()
    expect_view(visitor, "schedules")


def test_a_view_in_the_address_is_opened_after_signing_in(visitor: Visitor) -> None:
    visitor.page.goto(f"{visitor.system.url}/#history")
    expect(visitor.at("#views")).to_be_hidden()
    visitor.give_key(NORTHWIND_KEY)
    expect_view(visitor, "history")
    visitor.page.goto(f"{visitor.system.url}/#no-such-view")
    expect_view(visitor, "export")


@pytest.mark.parametrize("visitor", [GERMAN], ids=["German"], indirect=True)
def test_a_german_browser_gets_german_texts_numbers_and_dates(visitor: Visitor) -> None:
    visitor.sign_in()
    assert visitor.evaluate("document.documentElement.lang") == "de"
    visitor.expect_text("#columns-title", "Spalten")
    visitor.export()
    visitor.expect_status("Completed")
    visitor.expect_text("#job-text", "4.500 Kunden")
    visitor.expect_text("#job-note", re.compile(r"Verfügbar bis \d\d?\.\d\d?\.\d{4}"))
    assert visitor.page.title() == "Fertig – Kundenexport"
    assert_accessible(visitor)


@pytest.mark.thorough
def test_the_chosen_language_stays_in_the_browser(visitor: Visitor) -> None:
    visitor.page.goto(f"{visitor.system.url}/#history")
    visitor.at("a[data-language=de]").click()
    visitor.expect_text("#sign-in-title", "Kunden exportieren")
    assert visitor.page.url == f"{visitor.system.url}/?lang=de#history"
    visitor.open()
    visitor.expect_text("#sign-in-title", "Kunden exportieren")
    visitor.page.goto(f"{visitor.system.url}/?lang=en")
    visitor.expect_text("#sign-in-title", "Export your clients")


@pytest.mark.thorough
def test_the_service_says_in_which_language_it_answers(visitor: Visitor) -> None:
    answer = visitor.page.request.get(visitor.system.url, headers={"accept-language": "de-CH, en;q=0.1"})

    assert answer.headers["content-language"] == "de"
    assert answer.headers["vary"] == "Accept-Language, Accept-Encoding"
    assert answer.headers["content-encoding"] == "gzip"


def marked(texts: Texts) -> Texts:
    """Return the texts in a language of their own: each is marked at both ends, so that other texts stand out."""
    sections = {
        section: {
            name: f"⟦{text}⟧" if isinstance(text, str) else {form: f"⟦{each}⟧" for form, each in text.items()}
            for name, text in named.items()
        }
        for section, named in texts.sections.items()
    }
    return Texts(texts.language, sections)


def test_every_text_that_is_shown_comes_from_the_texts(visitor: Visitor) -> None:
    html = render_in(marked(languages()["en"]))
    headers = {"content-type": "text/html; charset=utf-8", "content-security-policy": content_policy()}
    visitor.page.route(f"{visitor.system.url}/", lambda route: route.fulfill(body=html, headers=headers))
    visitor.sign_in()
    expect(visitor.at("#mapping option").first).to_be_attached()
    assert_only_marked_texts(visitor)
    visitor.pick("Name", "Code")
    visitor.at("#estimate").click()
    expect(visitor.at("#estimated")).to_be_visible()
    assert_only_marked_texts(visitor)
    visitor.export()
    visitor.expect_status("Completed")
    for view in VIEWS:
        visitor.go(view)
        assert_only_marked_texts(visitor)


def assert_only_marked_texts(visitor: Visitor) -> None:
    """Check every text of the page, shown or hidden, except names that come from the data of the tenant."""
    names = re.compile(
        r"northwind|\.(csv|tsv|xlsx|jsonl)|^(English|Deutsch)$|^[\d.,]+ (bytes?|[kMGT]?B)$", re.IGNORECASE
    )
    unmarked = [text for text in visitor.evaluate(VISIBLE_TEXTS) if re.search(r"[A-Za-z]{2}", without_marked(text))]
    assert [text for text in unmarked if not names.search(text)] == []


def without_marked(text: str) -> str:
    """Remove marked texts, also nested ones, from the inside out."""
    while (shorter := re.sub(r"⟦[^⟦⟧]*⟧", "", text)) != text:
        text = shorter
    return text
