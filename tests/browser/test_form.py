"""The form of the ui: every choice reaches the file, and every fault is shown beside its field."""

from __future__ import annotations

from typing import Any

import pytest
from playwright.sync_api import expect

from exports.mappings.presets import MAPPING_PRESETS
from exports.request.fields import TargetField
from tests.support.expected import records
from tests.support.system import System
from tests.support.visitor import Visitor

MANAGERS = "[data-codes=managerCodes]"
LONG = "x" * 101


def header(file: bytes) -> list[str]:
    return list(records(file)[0])


def columns(*pairs: tuple[str, str]) -> list[dict[str, Any]]:
    return [{"csvHeader": heading, "targetField": field} for heading, field in pairs]


def test_the_file_has_the_columns_in_the_chosen_order_with_their_headings(visitor: Visitor, system: System) -> None:
    visitor.sign_in()
    visitor.pick("Name", "VatNumber", "Code")
    visitor.at("#chosen li:nth-child(3) [data-act=up]").click()
    visitor.at("#chosen li:nth-child(2) input").press("Alt+ArrowUp")
    expect(visitor.at("#chosen li:nth-child(1) input")).to_be_focused()
    visitor.at("#chosen li:nth-child(1) input").fill("Our code")
    assert visitor.headings() == ["Our code", "Name", "VAT number"]
    visitor.expect_text("#summary", "3 columns")

    wanted = columns(("Our code", "Code"), ("Name", "Name"), ("VAT number", "VatNumber"))
    assert visitor.export_and_download() == system.export({"columnMappings": wanted})


@pytest.mark.thorough
def test_a_column_can_be_dragged_and_removed(visitor: Visitor) -> None:
    visitor.sign_in()
    visitor.pick("Name", "Code", "Email")
    visitor.at("#chosen li:nth-child(3) .handle").drag_to(visitor.at("#chosen li:nth-child(1)"))
    assert visitor.headings() == ["Email", "Name", "Code"]
    visitor.at("#chosen li:nth-child(2) [data-act=remove]").click()
    assert visitor.headings() == ["Email", "Code"]
    expect(visitor.at("[data-field=Name]")).not_to_be_checked()


def test_fields_are_found_by_name_and_selected_by_group(visitor: Visitor) -> None:
    visitor.sign_in()
    visitor.choose("chosen")
    visitor.at("#find").fill("invoice address")
    visitor.at("#take-all").click()
    invoice = [field.value for field in TargetField if field.value.startswith("InvoiceAddress")]
    assert len(visitor.headings()) == len(invoice)
    visitor.at("#find").fill("no such field")
    visitor.expect_text("#none-found", "No field has this name.")
    visitor.at("#find").fill("")
    visitor.at("#take-all").click()
    assert len(visitor.headings()) == len(TargetField)
    visitor.at("#take-none").click()
    visitor.expect_text("#chosen-empty", "Nothing selected yet.")
    visitor.at("[data-all]").first.click()
    assert visitor.headings()[:2] == ["Name", "Code"]


def test_select_none_takes_only_the_fields_that_the_search_shows(visitor: Visitor) -> None:
    visitor.sign_in()
    visitor.pick("Email", "Code")
    visitor.at("#chosen li:nth-child(1) input").fill("Write to")
    visitor.at("#find").fill("invoice address")
    visitor.at("#take-all").click()
    assert len(visitor.headings()) > 2
    visitor.at("#take-none").click()
    assert visitor.headings() == ["Write to", "Code"]
    visitor.at("#find").fill("")
    visitor.at("#take-none").click()
    visitor.expect_text("#chosen-empty", "Nothing selected yet.")
    visitor.expect_text("#announce", "No column is selected.")


@pytest.mark.thorough
def test_a_copy_of_a_preset_can_be_changed_and_saved(visitor: Visitor) -> None:
    visitor.sign_in()
    visitor.choose("mapping")
    visitor.at("#mapping").select_option("limited-company-clients")
    preset = [column.csv_header for column in MAPPING_PRESETS["limited-company-clients"].columns]
    assert header(visitor.export_and_download()) == preset

    visitor.at("#adapt").click()
    assert visitor.headings() == preset
    visitor.at("#chosen li:nth-child(1) [data-act=remove]").click()
    visitor.at("#save summary").click()
    visitor.at("#save-button").click()
    assert "must not be empty" in visitor.fault_of("#save-name")
    visitor.at("#save-name").fill("Companies, short")
    visitor.at("#save-button").click()
    visitor.expect_text("#announce", "Saved as Companies, short.")
    visitor.choose("mapping")
    expect(visitor.at("#mapping option:checked")).to_have_text("Companies, short")
    visitor.page.reload()
    visitor.choose("mapping")
    visitor.at("#mapping").select_option(label="Companies, short")
    visitor.expect_text("#mapping-columns", preset[1])


def test_every_filter_and_option_reaches_the_file(visitor: Visitor, system: System) -> None:
    visitor.sign_in()
    visitor.pick("Code", "Name", "CompanyNumber")
    visitor.at("input[name=statuses][value=Active]").check()
    visitor.at("input[name=types][value=PrivateLimitedCompany]").check()
    visitor.at("#search").fill("a")
    visitor.at("#since").fill("2020-06-01T09:30")
    visitor.at("input[name=preset][value=excelEu]").check()
    visitor.at("#file-name").fill("Für März")
    visitor.at("#headers").uncheck()
    visitor.at("text=Details of a CSV format").click()
    visitor.at("#quoting").select_option("all")
    visitor.at("#mark").select_option("no")
    visitor.at("#guard").uncheck()
    visitor.export()
    visitor.expect_status("Completed")
    download = visitor.download()

    body = {
        "columnMappings": columns(("Code", "Code"), ("Name", "Name"), ("Company number", "CompanyNumber")),
        "includeHeaders": False,
        "filter": {
            "statuses": ["Active"],
            "types": ["PrivateLimitedCompany"],
            "search": "a",
            "updatedSince": "2020-06-01T08:30:00Z",
        },
        "format": {"preset": "excelEu", "quoting": "all", "byteOrderMark": False, "formulaGuard": False},
    }
    assert download.suggested_filename == "Für März.csv"
    assert download.path().read_bytes() == system.export(body)


def test_every_fault_is_shown_beside_its_field(visitor: Visitor) -> None:
    visitor.sign_in()
    visitor.pick("Name", "Code", "Email")
    visitor.at("#chosen li:nth-child(2) input").fill("")
    visitor.page.wait_for_function("() => location.hash.includes('Code:,Email')")
    visitor.evaluate(f"location.hash += '&managerCodes=M1,{LONG}'")
    expect(visitor.at(f"{MANAGERS} input[value={LONG}]")).to_be_checked()
    visitor.at("#codes summary").click()
    visitor.export()

    visitor.expect_text("#problem", "Please correct the marked fields.")
    assert visitor.fault_of("#chosen li:nth-child(2) input") == "This must not be empty."
    expect(visitor.at("#chosen li:nth-child(2) input")).to_be_focused()
    assert visitor.fault_of(MANAGERS) == "This may have at most 100 characters."
    expect(visitor.at(MANAGERS)).to_be_visible()
    visitor.at("#chosen li:nth-child(2) input").fill("Name")
    visitor.at(f"{MANAGERS} input[value={LONG}]").uncheck()
    visitor.export()
    assert "is already used by column 1" in visitor.fault_of("#chosen li:nth-child(2) input")
    assert visitor.at(MANAGERS).get_attribute("aria-invalid") is None


@pytest.mark.thorough
def test_a_missing_column_selection_is_shown_beside_the_columns(visitor: Visitor) -> None:
    visitor.sign_in()
    visitor.choose("chosen")
    visitor.export()

    assert visitor.fault_of("#chosen-list") == "This must not be empty."


def test_sensitive_fields_are_marked_and_their_refusal_is_shown_beside_them(
    visitor: Visitor, key_without_sensitive_fields: str
) -> None:
    visitor.sign_in(key_without_sensitive_fields)
    visitor.at("#estimate").click()
    visitor.expect_text("[data-code=fields-left-out]", "You may not read sensitive fields")
    visitor.page.goto(f"{visitor.system.url}/#export?columns=Name,NiNumber")
    visitor.expect_text("label:has([data-field=NiNumber])", "sensitive")
    visitor.export()

    visitor.expect_text("#problem", "You may not export sensitive fields.")
    assert "You may not export this field" in visitor.fault_of("#chosen li:nth-child(2) .of")


def test_an_estimate_is_in_plain_words_and_offers_a_remedy_for_a_warning(visitor: Visitor) -> None:
    visitor.sign_in()
    visitor.at("#estimate").click()
    visitor.expect_text("#estimated-rows", "4,500")
    visitor.expect_text("#estimated-bytes", "MB")
    visitor.expect_text("#estimated-seconds", "about")
    visitor.expect_text("[data-code=excel-changes-cells]", "it may drop leading zeros")
    visitor.at("[data-code=excel-changes-cells] button").click()

    expect(visitor.at("[data-code=excel-changes-cells]")).to_have_count(0)
    expect(visitor.at("input[name=preset][value=excel]")).to_be_checked()
    visitor.at("#search").fill("no client is called this")
    expect(visitor.at("#estimated-rows")).to_have_text("0")
