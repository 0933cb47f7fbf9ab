"""The page serves those who use a keyboard, hear it, have a small window, or prefer the dark."""

from __future__ import annotations

from typing import Any

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import expect

from tests.support.system import KEY, NORTHWIND, NORTHWIND_KEY
from tests.support.visitor import TIMEOUT_MS, Visitor, read_download

NARROW = {"viewport": {"width": 360, "height": 740}}
DARK = {"color_scheme": "dark"}
LUMINANCE = """() => {
  const [red, green, blue] = getComputedStyle(document.body).backgroundColor.match(/[0-9]+/g).map(Number);
  return (red + green + blue) / 3;
}"""
FOCUS = """() => {
  const around = document.activeElement.closest('.choice') ?? document.activeElement;
  const { outlineStyle, outlineWidth } = getComputedStyle(around);
  return outlineStyle === 'solid' && parseFloat(outlineWidth) >= 2;
}"""


def press_until(visitor: Visitor, key: str, selector: str, presses: int = 120) -> None:
    """Press a key until an element has the focus; whatever has it on the way must show so."""
    for _ in range(presses):
        visitor.page.keyboard.press(key)
        if visitor.evaluate("(selector) => document.activeElement.matches(selector)", selector):
            assert visitor.evaluate(FOCUS), f"{selector} does not show that it has the focus"
            return
        if visitor.evaluate("() => document.activeElement !== document.body"):
            assert visitor.evaluate(FOCUS), visitor.evaluate("() => document.activeElement.outerHTML")
    message = f"{selector} cannot be reached with {key}"
    raise AssertionError(message)


def test_a_keyboard_is_enough(visitor: Visitor) -> None:
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
    keyboard.press("Enter")
    visitor.expect_status("Completed")
    press_until(visitor, "Tab", "#job-download")
    with visitor.page.expect_download(timeout=TIMEOUT_MS) as coming:
        keyboard.press("Enter")
    assert read_download(coming.value).startswith(b"Code,Name\r\n")


@pytest.mark.parametrize("visitor", [{}, NARROW | DARK], ids=["light", "narrow and dark"], indirect=True)
def test_checkers_of_accessibility_find_nothing_and_nothing_is_too_wide(visitor: Visitor) -> None:
    visitor.open()
    assert_fits_everyone(visitor)
    visitor.give_key("wrong")
    visitor.expect_text("#door-problem", "not valid")
    visitor.give_key(KEY)
    expect(visitor.at("#tenant")).to_be_visible(timeout=TIMEOUT_MS)
    assert_fits_everyone(visitor)
    visitor.give_tenant(NORTHWIND)
    expect(visitor.at("#recent-rows, #recent-empty").first).to_be_attached()
    for fold in visitor.at("details:visible > summary").all():
        fold.click()
    assert_fits_everyone(visitor)
    visitor.pick("Name", "NiNumber")
    visitor.at("#estimate").click()
    visitor.expect_text("#estimated", "Clients")
    assert_fits_everyone(visitor)
    visitor.at("#chosen li:nth-child(1) input").fill("")
    visitor.export()
    visitor.expect_text("#problem", "marked")
    assert_fits_everyone(visitor)
    visitor.choose("all")
    visitor.export()
    visitor.expect_status("Completed")
    assert_fits_everyone(visitor)


def assert_fits_everyone(visitor: Visitor) -> None:
    assert violations(visitor) == []
    assert not visitor.overflows()


def violations(visitor: Visitor) -> list[Any]:
    found = Axe().run(visitor.page).response["violations"]
    return [(each["impact"], each["id"], [node["html"] for node in each["nodes"]]) for each in found]


@pytest.mark.parametrize("visitor", [NARROW], ids=["narrow"], indirect=True)
def test_the_documentation_fits_everyone_too(visitor: Visitor) -> None:
    visitor.page.goto(f"{visitor.system.url}/docs")

    assert_fits_everyone(visitor)


@pytest.mark.parametrize(("visitor", "dark"), [({}, False), (DARK, True)], indirect=["visitor"])
def test_the_page_is_as_dark_as_its_reader_likes(visitor: Visitor, dark: bool) -> None:
    visitor.open()

    assert (visitor.evaluate(LUMINANCE) < 128) is dark


def test_progress_is_told_to_those_who_hear_the_page(visitor: Visitor) -> None:
    visitor.sign_in()
    visitor.pick("Code")
    visitor.export()
    visitor.expect_text("#announce", "Your file is ready.")

    assert visitor.at("#announce").get_attribute("aria-live") == "polite"
    assert visitor.page.title() == "Completed – Client export"
