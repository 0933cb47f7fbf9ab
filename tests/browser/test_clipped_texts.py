"""No text of a control is cut off, in any view, at any width, in either language."""

from __future__ import annotations

import pytest
from playwright.sync_api import expect

from tests.support.visitor import Visitor, shown_in

CLIPPED = """() => {
  const seen = (selector) => [...document.querySelectorAll(selector)]
    .filter((each) => each.checkVisibility() && each.offsetWidth);
  const ink = document.createElement('canvas').getContext('2d');

  // as wide as its longest option needs it
  const natural = (select) => {
    const copy = select.cloneNode(true);
    copy.style.cssText = 'width: max-content; min-width: 0; max-width: none; position: absolute; visibility: hidden';
    select.after(copy);
    const width = copy.offsetWidth;
    copy.remove();
    return width;
  };
  const hint = (input) => {
    const { font, paddingLeft, paddingRight } = getComputedStyle(input);
    ink.font = font;
    return ink.measureText(input.placeholder).width + parseFloat(paddingLeft) + parseFloat(paddingRight);
  };
  const sticksOut = (each) => {
    const text = document.createRange();
    text.selectNodeContents(each);
    const [inner, outer] = [text.getBoundingClientRect(), each.getBoundingClientRect()];
    return inner.left < outer.left - 1 || inner.right > outer.right + 1 || each.scrollWidth > each.clientWidth + 1;
  };
  return [
    // names of files may have 200 letters; the list that opens shows them whole
    ...seen('select:not(#verify-job)').filter((each) => natural(each) > each.offsetWidth),
    ...seen('input[placeholder]').filter((each) => hint(each) > each.clientWidth),
    ...seen('button, .button, summary, legend, .check, .choice, .pill').filter(sticksOut),
  ].map((each) => `${each.id || each.className}: ${(each.placeholder || each.textContent).trim().slice(0, 80)}`);
}"""
BOTH = shown_in({"English": {}, "German": {"locale": "de-DE"}})


def clipped(visitor: Visitor) -> list[str]:
    found: list[str] = visitor.evaluate(CLIPPED)
    return found


def assert_nothing_is_clipped(visitor: Visitor) -> None:
    for width in (320, 768, 1_280):
        visitor.page.set_viewport_size({"width": width, "height": 900})
        assert clipped(visitor) == [], width
        assert not visitor.overflows(), width


@pytest.mark.thorough
@BOTH
def test_no_choice_button_or_hint_of_a_form_is_cut_off(visitor: Visitor) -> None:
    visitor.open()
    assert_nothing_is_clipped(visitor)
    visitor.sign_in()
    visitor.choose("mapping")
    expect(visitor.at("#mapping option").first).to_be_attached()
    visitor.at("input[name=preset][value=xlsx]").check()
    expect(visitor.at("#preview")).to_have_attribute("aria-busy", "false")
    for fold in visitor.at("#view-export details:visible > summary").all():
        fold.click()
    expect(visitor.at("#long-cells")).to_be_visible()
    assert_nothing_is_clipped(visitor)
    visitor.pick("Name", "RegisteredAddress")
    visitor.at("#save summary").click()
    visitor.export()
    visitor.expect_status("Completed")
    assert_nothing_is_clipped(visitor)
    for view in ("history", "schedules", "verify"):
        visitor.go(view)
        if view == "schedules":
            visitor.at("#schedule-new").click()
            visitor.at("#schedule-rhythm").select_option("own")
        assert_nothing_is_clipped(visitor)


def test_a_text_that_is_cut_off_is_noticed(visitor: Visitor) -> None:
    visitor.sign_in()
    visitor.at("input[name=preset][value=xlsx]").check()
    assert clipped(visitor) == []
    for place, change in (
        ("#long-cells", "each => each.style.width = '7rem'"),
        ("#file-name", "each => each.placeholder = 'a'.repeat(90)"),
        ("#estimate", "each => each.style.cssText = 'width: 3rem; padding: 0'"),
    ):
        visitor.at(place).evaluate(change)
        assert [each.split(":")[0] for each in clipped(visitor)] == [place[1:]]
        visitor.at(place).evaluate("each => { each.removeAttribute('style'); each.removeAttribute('placeholder'); }")
