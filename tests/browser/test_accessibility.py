"""The ui works with a keyboard, with a screen reader, in a small window, and in dark mode."""

from __future__ import annotations

from typing import Any

import pytest
from axe_playwright_python.base import AXE_SCRIPT
from playwright.sync_api import expect

from devhost.local.checks import under_ci
from tests.support.system import KEY, NORTHWIND, NORTHWIND_KEY
from tests.support.visitor import TIMEOUT_MS, Visitor, read_download, shown_in

NARROW = {"viewport": {"width": 320, "height": 640}}
DARK = {"color_scheme": "dark"}
LUMINANCE = """() => {
  const [red, green, blue] = getComputedStyle(document.body).backgroundColor.match(/[0-9]+/g).map(Number);
  return (red + green + blue) / 3;
}"""
FOCUS = """() => {
  const outlined = document.activeElement.closest('.choice') ?? document.activeElement;
  const { outlineStyle, outlineWidth } = getComputedStyle(outlined);
  return outlineStyle === 'solid' && parseFloat(outlineWidth) >= 2;
}"""
VIOLATIONS = """async (rules) => {
  const { violations } = await axe.run({ resultTypes: ['violations'], selectors: false, rules });
  return violations.map(({ impact, id, nodes }) => [impact, id, nodes.map(({ html }) => html)]);
}"""
WITHOUT_COLOURS = {"color-contrast": {"enabled": False}}
WIDE = """() => [...document.querySelectorAll('main *')]
  .filter((each) => each.scrollWidth > each.clientWidth && getComputedStyle(each).overflowX === 'auto')
  .map((each) => {
    each.dataset.wide = '';
    return { html: each.outerHTML.slice(0, 200), reached: each.tabIndex === 0, named: each.hasAttribute('aria-label') };
  })"""


def press_until(visitor: Visitor, key: str, selector: str, presses: int = 120) -> None:
    """Press a key until an element has the focus. Every element that gets the focus on the way must show it."""
    for _ in range(presses):
        visitor.page.keyboard.press(key)
        if visitor.evaluate("(selector) => document.activeElement.matches(selector)", selector):
            assert visitor.evaluate(FOCUS), f"{selector} does not show the focus"
            return
        if visitor.evaluate("() => document.activeElement !== document.body"):
            assert visitor.evaluate(FOCUS), visitor.evaluate("() => document.activeElement.outerHTML")
    message = f"{selector} cannot be reached with {key}"
    raise AssertionError(message)


def test_an_export_needs_only_a_keyboard(visitor: Visitor) -> None:
    keyboard = visitor.open().page.keyboard
    expect(visitor.at("#key")).to_be_focused()
    keyboard.type(NORTHWIND_KEY)
    keyboard.press("Enter")
    expect(visitor.at("#work")).to_be_visible(timeout=TIMEOUT_MS)
    press_until(visitor, "Tab", "[name=columns]")
    keyboard.press("ArrowRight")
    keyboard.press("ArrowRight")
    press_until(visitor, "Tab", "[data-field=Name]")
    keyboard.press("Space")
    press_until(visitor, "Tab", "[data-field=Code]")
    keyboard.press("Space")
    press_until(visitor, "Tab", "#chosen [data-act=down]")
    keyboard.press("Enter")
    press_until(visitor, "Tab", "#export")
    # Until the form is filled, the button does nothing.
    expect(visitor.at("#export")).not_to_have_attribute("aria-disabled", "true", timeout=TIMEOUT_MS)
    keyboard.press("Enter")
    visitor.expect_status("Completed")
    press_until(visitor, "Tab", "#job-download")
    with visitor.page.expect_download(timeout=TIMEOUT_MS) as coming:
        keyboard.press("Enter")
    assert read_download(coming.value).startswith(b"Code,Name\r\n")


@shown_in({"light": {}, "narrow and dark": NARROW | DARK})
def test_the_ui_passes_an_accessibility_check_and_fits_its_window(visitor: Visitor) -> None:
    visitor.open()
    assert_accessible(visitor)
    visitor.give_key("wrong")
    visitor.expect_text("#sign-in-problem", "not valid")
    visitor.give_key(KEY)
    expect(visitor.at("#tenant")).to_be_visible(timeout=TIMEOUT_MS)
    assert_accessible(visitor)
    visitor.give_tenant(NORTHWIND)
    expect(visitor.at("#mapping option").first).to_be_attached()
    for fold in visitor.at("details:visible > summary").all():
        fold.click()
    assert_accessible(visitor)
    visitor.pick("Name", "NiNumber")
    visitor.at("#estimate").click()
    visitor.expect_text("#estimated", "Clients")
    assert_accessible(visitor)
    visitor.at("#chosen li:nth-child(1) input").fill("")
    visitor.export()
    visitor.expect_text("#problem", "marked")
    assert_accessible(visitor, with_colours=True)
    visitor.choose("all")
    visitor.export()
    visitor.expect_status("Completed")
    assert_accessible(visitor, with_colours=True)
    for view in ("history", "schedules", "verify"):
        visitor.go(view)
        assert_accessible(visitor)


def assert_accessible(visitor: Visitor, *, with_colours: bool = under_ci()) -> None:
    """Check the page with axe. It takes nine tenths of its time to judge colours, so most pages leave that to CI."""
    assert violations(visitor, {} if with_colours else WITHOUT_COLOURS) == []
    assert not visitor.overflows()


def violations(visitor: Visitor, rules: dict[str, Any]) -> list[Any]:
    """Return what axe finds wrong with the page. It is loaded once in a page, and gives back nothing else."""
    if not visitor.evaluate("'axe' in window"):
        visitor.evaluate(AXE_SCRIPT)
    found: list[Any] = visitor.evaluate(VIOLATIONS, rules)
    return found


def open_documentation(visitor: Visitor) -> None:
    visitor.page.goto(f"{visitor.system.url}/docs")
    for fold in visitor.at("details > summary").all():
        fold.click()


@pytest.mark.thorough
@pytest.mark.parametrize("visitor", [{}, NARROW | DARK], ids=["light", "narrow and dark"], indirect=True)
def test_the_whole_documentation_passes_the_same_checks(visitor: Visitor) -> None:
    open_documentation(visitor)
    assert_accessible(visitor, with_colours=True)


@pytest.mark.thorough
@shown_in({"wide": {}, "narrow": NARROW})
def test_a_keyboard_reaches_and_scrolls_whatever_is_wider_than_the_documentation(visitor: Visitor) -> None:
    visitor.page.goto(f"{visitor.system.url}/docs")

    wide = visitor.evaluate(WIDE)
    assert wide
    assert [each for each in wide if not each["reached"] or not each["named"]] == []
    place = visitor.at("[data-wide]").first
    place.focus()
    assert visitor.evaluate(FOCUS)
    visitor.page.keyboard.press("ArrowRight")
    visitor.page.wait_for_function("() => document.querySelector('[data-wide]').scrollLeft > 0")


@pytest.mark.parametrize(("visitor", "dark"), [({}, False), (DARK, True)], indirect=["visitor"])
def test_the_ui_follows_the_colour_scheme_of_the_browser(visitor: Visitor, dark: bool) -> None:
    visitor.open()

    assert (visitor.evaluate(LUMINANCE) < 128) is dark


def test_screen_readers_announce_the_end_of_an_export(visitor: Visitor) -> None:
    visitor.sign_in()
    visitor.pick("Code")
    visitor.export()
    visitor.expect_text("#announce", "The file is ready.")

    assert visitor.at("#announce").get_attribute("aria-live") == "polite"
    assert visitor.page.title() == "Completed – Client export"
