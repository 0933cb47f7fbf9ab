"""In the high contrast of Windows, which leaves out backgrounds, the page still shows where the reader is."""

from __future__ import annotations

import pytest
from playwright.sync_api import expect

from tests.support.visitor import Visitor

HIGH_CONTRAST = pytest.mark.parametrize("visitor", [{"forced_colors": "active"}], indirect=True)


@HIGH_CONTRAST
def test_high_contrast_shows_which_view_is_open(visitor: Visitor) -> None:
    visitor.sign_in()
    link = visitor.at("#views a[href='#history']")
    other = link.screenshot()
    link.evaluate("each => each.setAttribute('aria-current', 'page')")
    assert link.screenshot() != other


@pytest.mark.thorough
@HIGH_CONTRAST
def test_high_contrast_shows_how_far_an_export_is(visitor: Visitor) -> None:
    visitor.sign_in()
    visitor.export()
    visitor.expect_status("Completed")
    bar = visitor.at("#job-bar")
    bar.evaluate("each => (each.hidden = false)")
    expect(bar).to_be_visible()
    seen = set()
    for percent in (0, 50, 100):
        bar.evaluate("(each, percent) => (each.value = percent)", percent)
        seen.add(bar.screenshot())
    bar.evaluate("each => each.removeAttribute('value')")
    seen.add(bar.screenshot())
    assert len(seen) == 4
