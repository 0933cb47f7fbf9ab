"""The view that checks a downloaded file against its manifest: its verdicts are those of the command `verify`."""

from __future__ import annotations

import copy
import gzip
import json
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import FilePayload, Route, expect

from exports.__main__ import main
from tests.browser.test_accessibility import assert_accessible
from tests.support.contradictions import contradictions
from tests.support.each_case import assert_each
from tests.support.http_client import request
from tests.support.system import System
from tests.support.visitor import Visitor, shown_in

VERDICTS = {0: "proved", 3: "unproved"}
"""The verdict for each exit code of the command, if the file is right. Otherwise the code is 1."""


@dataclass(frozen=True)
class Exported:
    """A file of several pages, with the job and the manifest."""

    job: dict[str, Any]
    manifest: dict[str, Any]
    file: bytes


FEW_COLUMNS = [{"csvHeader": field, "targetField": field} for field in ("Code", "Name", "Email", "RegisteredAddress")]


LEFT_OUT = [{"compression": "gzip"}, {"preset": "jsonl"}]
"""Formats of which a run that is not thorough lets only the command find what is wrong (`tests/e2e/test_verify.py`)."""


@pytest.fixture(params=[{"preset": "xlsx"}, *(pytest.param(form, marks=pytest.mark.thorough) for form in LEFT_OUT)])
def other_kind(system: System, request: pytest.FixtureRequest) -> Exported:
    return export(system, request.param)


@pytest.fixture(scope="module")
def exported(system: System) -> Exported:
    """A file as the form asks for it unless told otherwise."""
    return export(system, {})


def export(system: System, form: dict[str, Any], wanted: dict[str, Any] | None = None) -> Exported:
    location = system.start_async({"format": form, "columnMappings": FEW_COLUMNS, "filter": wanted or {}})
    job = system.wait(location)
    manifest = system.call("GET", f"{location}/manifest").json
    return Exported(job, manifest, request("GET", job["downloadUrl"]).body)


def payload(name: str, content: bytes) -> FilePayload:
    return FilePayload(name=name, mimeType="application/octet-stream", buffer=content)


def damaged(file: bytes, manifest: dict[str, Any]) -> Iterator[tuple[str, bytes]]:
    """Yield files that went wrong as files do, each with its verdict."""
    first, second = (page["bytes"] for page in manifest["pages"][:2])
    yield "proved", file
    yield "changed", file[:-30] + bytes([file[-30] ^ 1]) + file[-29:]
    yield "changed", bytes([file[0] ^ 1]) + file[1:]
    yield "short", file[:-1]
    yield "short", b""
    yield "long", file + b"\n"
    yield "changed", file[:first] + file[first + second :] + b" " * second
    yield "changed", file[:first] + file[:first] + file[first:]
    yield "changed", gzip.compress(file, 0) if len(gzip.compress(file, 0)) > len(file) else file.replace(b"\n", b"\r\n")


def check(visitor: Visitor, name: str, content: bytes) -> str:
    """Give the view a file, and return its verdict."""
    visitor.at("#verify-file").set_input_files(payload(name, content))
    visitor.at("#verify-start").click()
    expect(visitor.at("#verdict h2")).to_be_visible()
    return visitor.at("#verdict").get_attribute("data-verdict") or ""


def verdict_of_command(folder: Path, content: bytes, manifest: dict[str, Any]) -> str:
    (folder / "file").write_bytes(content)
    (folder / "manifest.json").write_text(json.dumps(manifest), encoding="utf-8")
    code = main(["verify", str(folder / "file"), str(folder / "manifest.json")])
    return VERDICTS.get(code, "wrong")


def test_the_browser_finds_what_the_verify_command_finds(visitor: Visitor, exported: Exported, tmp_path: Path) -> None:
    assert_same_verdicts(visitor, exported, tmp_path)


@pytest.mark.thorough
def test_it_finds_the_same_in_files_of_other_kinds(visitor: Visitor, other_kind: Exported, tmp_path: Path) -> None:
    assert_same_verdicts(visitor, other_kind, tmp_path)


def assert_same_verdicts(visitor: Visitor, exported: Exported, tmp_path: Path) -> None:
    """Check that the page says of damaged files what the command says, and sends nothing for it."""
    assert len(exported.manifest["pages"]) > 2
    visitor.sign_in()
    expect(visitor.at("#estimated")).to_be_visible()
    visitor.go("verify")
    sent = len(visitor.requests)
    for verdict, content in damaged(exported.file, exported.manifest):
        visitor.at("#verify-manifest").set_input_files(payload("m.json", json.dumps(exported.manifest).encode()))
        assert check(visitor, "any name", content) == verdict, len(content)
        expected = verdict if verdict == "proved" else "wrong"
        assert verdict_of_command(tmp_path, content, exported.manifest) == expected
    assert [each for each in visitor.requests[sent:] if each.method != "GET"] == []


def test_the_export_is_found_by_the_name_of_the_file_and_nothing_is_uploaded(
    visitor: Visitor, exported: Exported
) -> None:
    visitor.sign_in()
    visitor.go("verify")
    expect(visitor.at(f"#verify-job option[value='{exported.job['code']}']")).to_be_attached()
    sent = len(visitor.requests)
    numbered = exported.job["fileName"].replace(".csv", " (1).csv")
    assert check(visitor, numbered, exported.file) == "proved"
    expect(visitor.at("#verdict")).to_contain_text(f"{exported.manifest['rows']:,} clients")
    assert all(each.post_data_buffer is None for each in visitor.requests[sent:])


EMPTY = {"en": "It holds no clients, because the export found none.", "de": "Sie enthält keine Kunden, weil der Export"}


@shown_in({"English": {}, "German": {"locale": "de-DE"}})
def test_the_verdict_says_in_words_that_a_file_holds_no_clients(visitor: Visitor, system: System) -> None:
    nobody = export(system, {}, {"search": "no client is called this"})
    assert nobody.manifest["rows"] == 0
    visitor.sign_in()
    visitor.go("verify")
    visitor.at("#verify-manifest").set_input_files(payload("m.json", json.dumps(nobody.manifest).encode()))
    assert check(visitor, "empty.csv", nobody.file) == "proved"
    visitor.expect_text("#verdict", EMPTY["de" if visitor.is_german() else "en"])


def test_the_verdict_names_the_part_that_is_wrong_and_what_to_do(visitor: Visitor, exported: Exported) -> None:
    first = exported.manifest["pages"][0]["bytes"]
    wrong = exported.file[: first + 5] + b"?" + exported.file[first + 6 :]
    visitor.sign_in()
    visitor.go("verify")
    expect(visitor.at(f"#verify-job option[value='{exported.job['code']}']")).to_be_attached()
    assert check(visitor, exported.job["fileName"], wrong) == "changed"
    expect(visitor.at("#verdict")).to_contain_text(
        f"in part 2 of {len(exported.manifest['pages'])}, between bytes {first:,}"
    )
    expect(visitor.at("#verdict")).to_contain_text("Download the file again")
    assert_accessible(visitor)


@pytest.mark.thorough
def test_a_file_of_unknown_order_is_unchanged_but_not_proved(
    visitor: Visitor, exported: Exported, tmp_path: Path
) -> None:
    old = exported.manifest | {"keyOrder": None}
    without_crc32 = [page | {"crc32": None} for page in old["pages"]]
    visitor.sign_in()
    visitor.go("verify")
    visitor.at("#verify-manifest").set_input_files(payload("m.json", json.dumps(old).encode()))
    assert check(visitor, "clients.csv", exported.file) == "unproved"
    assert verdict_of_command(tmp_path, exported.file, old) == "unproved"
    older = old | {"pages": without_crc32, "crc32": None}
    visitor.at("#verify-manifest").set_input_files(payload("m.json", json.dumps(older).encode()))
    assert check(visitor, "clients.csv", exported.file) == "unproved"
    assert verdict_of_command(tmp_path, exported.file, older) == "unproved"


LAST_DIGEST_WAITS = """(pages) => {
  const digest = crypto.subtle.digest.bind(crypto.subtle);
  crypto.subtle.digest = async (...given) => {
    pages -= 1;
    if (!pages) {
      document.body.dataset.waits = "";
      await new Promise((resolve) => (window.goOn = resolve));
    }
    return digest(...given);
  };
}"""


def begin_a_check_that_waits(visitor: Visitor, exported: Exported) -> None:
    """Check the file, and let the digest of its last page wait for `window.goOn()`."""
    visitor.sign_in()
    visitor.go("verify")
    visitor.evaluate(LAST_DIGEST_WAITS, len(exported.manifest["pages"]))
    visitor.at("#verify-manifest").set_input_files(payload("m.json", json.dumps(exported.manifest).encode()))
    visitor.at("#verify-file").set_input_files(payload("right.csv", exported.file))
    visitor.at("#verify-start").click()
    expect(visitor.at("body")).to_have_attribute("data-waits", "")


@pytest.mark.thorough
def test_a_check_that_ends_after_another_file_was_chosen_shows_no_verdict(visitor: Visitor, exported: Exported) -> None:
    begin_a_check_that_waits(visitor, exported)
    visitor.at("#verify-file").set_input_files(payload("wrong.csv", exported.file[:-1]))
    visitor.evaluate("window.goOn()")

    expect(visitor.at("#verify-stop")).to_be_hidden()
    expect(visitor.at("#verdict")).to_be_empty()


def test_a_check_begins_though_the_one_before_has_not_ended(visitor: Visitor, exported: Exported) -> None:
    begin_a_check_that_waits(visitor, exported)
    visitor.at("#verify-stop").click()
    expect(visitor.at("#verify-start")).to_be_focused()
    visitor.at("#verify-file").set_input_files(payload("wrong.csv", exported.file[:-1]))
    visitor.at("#verify-start").click()
    visitor.expect_text("#verdict h2", "the file is too short")
    visitor.evaluate("window.goOn()")
    visitor.expect_text("#verdict h2", "the file is too short")


def test_nothing_is_called_right_in_a_shorter_file_that_could_not_be_compared(
    visitor: Visitor, exported: Exported
) -> None:
    visitor.sign_in()
    visitor.go("verify")
    visitor.at("#verify-manifest").set_input_files(payload("m.json", json.dumps(exported.manifest).encode()))
    assert check(visitor, "clients.csv", exported.file[:-30] + b"other text\r\n") == "short"
    visitor.expect_text("#verdict", "another program has changed the file")
    assert "right" not in visitor.at("#verdict").inner_text()


def useless(manifest: Any) -> dict[str, bytes]:
    """Return manifests that prove nothing, by what is wrong with them."""
    wrong = {name: copy.deepcopy(manifest) for name in ("digest", "null", "negative rows")}
    wrong["digest"]["pages"][1]["sha256"] = "0"
    wrong["null"]["pages"][0] = None
    wrong["negative rows"]["pages"][1]["rows"] = -1
    wrong |= contradictions(manifest)
    return {name: json.dumps(each).encode() for name, each in wrong.items()} | {"text": b"<Error/>"}


def test_a_manifest_that_proves_nothing_is_refused_in_words(visitor: Visitor, exported: Exported) -> None:
    def check(manifest: bytes) -> None:
        visitor.page.goto("about:blank")
        visitor.page.goto(f"{visitor.system.url}/#verify")
        visitor.at("#verify-manifest").set_input_files(payload("m.json", manifest))
        visitor.at("#verify-file").set_input_files(payload("clients.csv", exported.file))
        visitor.at("#verify-start").click()
        visitor.expect_text("#verify-problem", "This is not the proof of an export")
        expect(visitor.at("#verify-manifest")).to_be_focused()

    visitor.sign_in()
    assert_each(useless(exported.manifest), check)


def test_a_late_list_of_exports_takes_no_answer_to_the_reader_away(visitor: Visitor, exported: Exported) -> None:
    waiting: list[Route] = []
    visitor.sign_in()
    visitor.page.route("**/csv?status=Completed*", lambda route: waiting.append(route))  # noqa: PLW0108 - takes no built-in function
    visitor.go("verify")
    visitor.at("#verify-start").click()
    visitor.expect_text("#verify-problem", "Choose the file that you want to check")
    for route in waiting:
        route.continue_()
    expect(visitor.at("#verify-job option").nth(1)).to_be_attached()
    visitor.expect_text("#verify-problem", "Choose the file that you want to check")


@pytest.mark.thorough
@pytest.mark.parametrize("visitor", [{"viewport": {"width": 320, "height": 700}}], indirect=True)
def test_the_view_asks_for_what_is_missing_and_fits_a_phone(visitor: Visitor) -> None:
    visitor.sign_in()
    visitor.go("verify")
    visitor.at("#verify-start").click()
    visitor.expect_text("#verify-problem", "Choose the file that you want to check")
    visitor.at("#verify-file").set_input_files(payload("unknown.csv", b"Code\r\n"))
    visitor.at("#verify-start").click()
    visitor.expect_text("#verify-problem", "Choose the export that the file came from")
    assert not visitor.overflows()
    assert_accessible(visitor)
