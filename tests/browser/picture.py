"""Takes the picture of the ui for the README. Run `python -m tests.browser.picture` after the ui has changed."""

from __future__ import annotations

import tempfile
from pathlib import Path

from playwright.sync_api import Browser, ViewportSize

from devhost.local.paths import ROOT
from tests.support.chromium import running_browser
from tests.support.system import System, running_system, sample_database
from tests.support.visitor import Visitor

PICTURE = ROOT / "docs" / "images" / "export-ui.png"
MAX_BYTES = 150_000
CLIENTS = 20_000
WINDOW: ViewportSize = {"width": 1180, "height": 800}


def main() -> None:
    """Run the service with sample clients, export some of them, and take the picture."""
    with tempfile.TemporaryDirectory() as scratch:
        work = Path(scratch)
        with running_system(work, sample_database(work, CLIENTS)) as system, running_browser() as browser:
            picture = take_picture(browser, system)
    if len(picture) > MAX_BYTES:
        message = f"The picture has {len(picture):,} bytes; the README allows at most {MAX_BYTES:,}."
        raise SystemExit(message)
    PICTURE.parent.mkdir(exist_ok=True)
    PICTURE.write_bytes(picture)


def take_picture(browser: Browser, system: System) -> bytes:
    """Export some columns of the active clients as a person would, and take a picture when the export is completed."""
    context = browser.new_context(viewport=WINDOW, locale="en-GB", timezone_id="Europe/London", reduced_motion="reduce")
    visitor = Visitor(context.new_page(), system)
    visitor.sign_in()
    visitor.pick("Name", "CompanyNumber", "VatNumber", "Manager")
    visitor.at("[data-field=Name]").scroll_into_view_if_needed()
    visitor.at("input[name=statuses][value=Active]").check()
    visitor.at("input[name=preset][value=excel]").check()
    visitor.at("#file-name").fill("Active clients")
    visitor.export()
    visitor.expect_status("Completed")
    for script in (
        "document.activeElement.blur()",
        "scrollTo(0, 0)",
        "document.getElementById('fields').scrollTo(0, 0)",
    ):
        visitor.evaluate(script)
    visitor.page.mouse.move(0, 0)
    picture = visitor.page.screenshot()
    visitor.assert_no_errors()
    context.close()
    return picture


if __name__ == "__main__":
    main()
