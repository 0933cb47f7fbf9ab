"""Takes the pictures of the ui for the documents: `python -m tests.browser.pictures`, or some of them by name."""

from __future__ import annotations

import base64
import sys
import tempfile
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from playwright.sync_api import Browser, FilePayload, expect

from devhost.local.paths import ROOT
from shared.storage import StorageAccount
from shared.table_keys import TableKeyStore
from tests.support.chromium import running_browser
from tests.support.http_client import request
from tests.support.keys import a_key
from tests.support.system import EXPORT, NORTHWIND, System, running_system, sample_database
from tests.support.visitor import TIMEOUT_MS, Visitor

FOLDER = ROOT / "docs" / "images"
MAX_BYTES = 1_000_000
"""All pictures together may have this size."""
CLIENTS = 20_000
SETTINGS = {"EXPORT_BLOCK_BYTES": "65536", "EXPORT_WAVE_PAGES": "2"}
"""Small pages, two at a time: an export of all clients takes long enough to be seen running."""
QUALITY = 82
PERSON = "Anna Berg"
SCHEDULES = f"/tenants/{NORTHWIND}/clients/export/schedules"
DESKTOP = {"viewport": {"width": 1180, "height": 800}, "locale": "en-GB"}
PHONE = {"viewport": {"width": 390, "height": 844}, "locale": "en-GB"}
DARK = {"color_scheme": "dark"}
GERMAN = {"locale": "de-DE"}


@dataclass(frozen=True)
class Picture:
    """A state of the ui, and how a visitor gets there."""

    name: str
    prepare: Callable[[Visitor], None]
    look: dict[str, Any] = field(default_factory=dict)

    @property
    def path(self) -> Path:
        return FOLDER / f"{self.name}.webp"


def fill_in_the_form(visitor: Visitor) -> None:
    visitor.pick("Name", "CompanyNumber", "VatNumber", "Manager")
    visitor.at("input[name=statuses][value=Active]").check()
    visitor.at("input[name=types][value=PrivateLimitedCompany]").check()
    visitor.at("input[name=preset][value=xlsx]").check()
    visitor.at("#file-name").fill("Active clients")
    expect(visitor.at("#preview")).to_have_attribute("aria-busy", "false", timeout=TIMEOUT_MS)
    expect(visitor.at("#preview-table")).to_be_visible(timeout=TIMEOUT_MS)
    expect(visitor.at("#estimated")).to_be_visible(timeout=TIMEOUT_MS)


def show_the_form(visitor: Visitor) -> None:
    fill_in_the_form(visitor)
    visitor.at("#preview-table").scroll_into_view_if_needed()
    visitor.evaluate("document.getElementById('preview-title').scrollIntoView({ block: 'end' }); scrollBy(0, 420)")


def show_the_top_of_the_form(visitor: Visitor) -> None:
    fill_in_the_form(visitor)
    visitor.evaluate("scrollTo(0, 0)")


def show_a_finished_export(visitor: Visitor) -> None:
    show_the_top_of_the_form(visitor)
    visitor.export()
    visitor.expect_status("Completed")
    visitor.evaluate("scrollTo(0, 0)")


def show_a_running_export(visitor: Visitor) -> None:
    visitor.choose("all")
    visitor.at("input[name=preset][value=xlsx]").check()
    visitor.export()
    expect(visitor.at("#job-chart")).to_be_visible(timeout=TIMEOUT_MS)
    visitor.page.wait_for_timeout(2_000)  # the chart gets some more points
    visitor.at("#job").scroll_into_view_if_needed()
    visitor.expect_status("InProgress")


def show_the_job_on_a_phone(visitor: Visitor) -> None:
    fill_in_the_form(visitor)
    visitor.export()
    visitor.expect_status("Completed")
    visitor.at("#job").scroll_into_view_if_needed()


def show_history(visitor: Visitor) -> None:
    visitor.go("history")
    expect(visitor.at("#recent-rows tr").first).to_be_visible(timeout=TIMEOUT_MS)


def show_schedules(visitor: Visitor) -> None:
    visitor.go("schedules")
    expect(visitor.at("#schedules-list > li").first).to_be_visible(timeout=TIMEOUT_MS)


def show_a_verified_file(visitor: Visitor) -> None:
    newest = visitor.system.call("GET", f"/tenants/{NORTHWIND}{EXPORT}?status=Completed&limit=1").json["data"][0]
    job = visitor.system.call("GET", f"/tenants/{NORTHWIND}{EXPORT}/{newest['code']}").json
    content = request("GET", job["downloadUrl"]).body
    visitor.go("verify")
    expect(visitor.at(f"#verify-job option[value='{job['code']}']")).to_be_attached(timeout=TIMEOUT_MS)
    file = FilePayload(name=job["fileName"], mimeType="application/octet-stream", buffer=content)
    visitor.at("#verify-file").set_input_files(file)
    visitor.at("#verify-start").click()
    expect(visitor.at("#verdict h2")).to_be_visible(timeout=TIMEOUT_MS)


PICTURES = (
    Picture("page-finished", show_a_finished_export),
    Picture("page-form", show_the_form),
    Picture("page-running", show_a_running_export),
    Picture("page-history", show_history),
    Picture("page-schedules", show_schedules),
    Picture("page-verified", show_a_verified_file),
    Picture("page-dark", show_history, DARK),
    Picture("page-german", show_the_top_of_the_form, GERMAN),
    Picture("page-phone", show_the_job_on_a_phone, PHONE),
)


def main(names: list[str]) -> None:
    """Run the service with sample clients, bring the ui into each state, and take the pictures."""
    wanted = [picture for picture in PICTURES if not names or picture.name in names]
    FOLDER.mkdir(exist_ok=True)
    with tempfile.TemporaryDirectory() as scratch:
        work = Path(scratch)
        with running_system(work, sample_database(work, CLIENTS), SETTINGS) as system, running_browser() as browser:
            key = make_key_of_a_person(system)
            make_earlier_exports(system, key)
            for picture in wanted:
                picture.path.write_bytes(take(picture, browser, system, key))
    check_sizes()


def check_sizes() -> None:
    total = sum(path.stat().st_size for path in FOLDER.iterdir())
    if total > MAX_BYTES:
        message = f"The pictures have {total:,} bytes together; at most {MAX_BYTES:,} are allowed."
        raise SystemExit(message)


def make_key_of_a_person(system: System) -> str:
    account = StorageAccount(system.storage)
    key, text = a_key(NORTHWIND, name=PERSON)
    assert TableKeyStore(account).add(key)
    account.tables.close()
    return text


def make_earlier_exports(system: System, key: str) -> None:
    """Make the exports and schedules that history and schedules show."""
    names = {"columnMappings": [{"csvHeader": "Client", "targetField": "Name"}]}
    bodies: tuple[dict[str, Any], ...] = (
        {**names, "format": {"preset": "excel", "fileName": "All names"}},
        {"filter": {"statuses": ["Active"]}, "format": {"preset": "xlsx", "fileName": "VAT return"}},
        {**names, "filter": {"search": "bakery"}, "format": {"fileName": "Bakeries"}},
    )
    for body in bodies:
        started = system.call("POST", f"/tenants/{NORTHWIND}{EXPORT}", body, key=key)
        assert started.json["status"] == "Completed", started
    running = system.call("POST", f"/tenants/{NORTHWIND}{EXPORT}", {}, key=key, prefer="respond-async")
    system.wait(running.headers["location"], lambda job: job["processedItems"] > 0)
    assert system.call("DELETE", running.headers["location"]).status == 200
    for name, cron, incremental in (("Changes of the week", "0 6 * * 1", True), ("Every night", "30 2 * * *", False)):
        schedule = {"name": name, "cron": cron, "timeZone": "Europe/London", "incremental": incremental}
        assert system.call("POST", SCHEDULES, schedule | {"request": bodies[1]}, key=key).status == 201


def take(picture: Picture, browser: Browser, system: System, key: str) -> bytes:
    """Take a picture as WebP, which Playwright cannot do by itself."""
    look = {"timezone_id": "Europe/London", "reduced_motion": "reduce"} | DESKTOP | picture.look
    context = browser.new_context(**look)
    visitor = Visitor(context.new_page(), system)
    visitor.sign_in(key)
    picture.prepare(visitor)
    visitor.evaluate("document.activeElement.blur()")
    visitor.page.mouse.move(0, 0)
    session = context.new_cdp_session(visitor.page)
    taken = session.send("Page.captureScreenshot", {"format": "webp", "quality": QUALITY})
    visitor.assert_no_errors()
    context.close()
    return base64.b64decode(taken["data"])


if __name__ == "__main__":
    main(sys.argv[1:])
