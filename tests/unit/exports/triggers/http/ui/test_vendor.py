"""The libraries of the page are the published files, byte for byte, and the page stays small."""

from __future__ import annotations

import gzip
import json
from pathlib import Path

import pytest

from devhost.local import vendor
from devhost.local.paths import ROOT
from exports.triggers.http.ui.accounts import Accounts
from exports.triggers.http.ui.render import render_ui
from exports.triggers.http.ui.texts import languages
from exports.triggers.http.ui.vendored import libraries

ENTRIES = {entry["name"]: entry for entry in vendor.read_list()}
LICENCES = {"MIT", "Apache-2.0"}
MAX_COMPRESSED_BYTES = 100_000


@pytest.mark.parametrize("name", ENTRIES)
def test_a_library_is_the_published_file_of_the_pinned_version(name: str) -> None:
    entry = ENTRIES[name]
    data = (vendor.FOLDER / entry["file"]).read_bytes()
    pinned = json.loads((ROOT / "package-lock.json").read_text(encoding="utf-8"))["packages"]

    assert vendor.integrity(data) == entry["integrity"]
    assert entry["version"] == pinned[f"node_modules/{entry['package']}"]["version"]
    assert data == (ROOT / "node_modules" / entry["package"] / entry["path"]).read_bytes()


@pytest.mark.parametrize("name", ENTRIES)
def test_a_library_has_an_allowed_licence_whose_text_is_kept(name: str) -> None:
    entry = ENTRIES[name]

    assert entry["licence"] in LICENCES
    assert "Copyright" in (vendor.FOLDER / entry["licenceFile"]).read_text(encoding="utf-8")
    assert entry["source"].startswith("https://github.com/")


def test_every_file_of_the_folder_is_listed() -> None:
    listed = {entry[name] for entry in ENTRIES.values() for name in ("file", "licenceFile")}

    assert {file.name for file in vendor.FOLDER.iterdir()} == {vendor.LIST.name, *listed}


def test_no_library_can_end_its_element() -> None:
    for library in libraries(with_sign_in=True):
        assert "</script" not in library.script.lower(), library.name
        assert "<!--" not in library.script, library.name


def test_renewing_the_libraries_changes_nothing_while_the_versions_are_the_same(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    before = {file.name: file.read_bytes() for file in vendor.FOLDER.iterdir()}
    monkeypatch.setattr(vendor, "FOLDER", tmp_path)

    vendor.renew()
    assert {file.name: file.read_bytes() for file in vendor.FOLDER.iterdir()} == {
        name: data for name, data in before.items() if name != vendor.LIST.name
    }
    assert {file.name: file.read_bytes() for file in vendor.LIST.parent.iterdir()} == before


@pytest.mark.parametrize("language", languages())
def test_the_page_is_small_when_compressed(language: str) -> None:
    accounts = Accounts("https://login.example/", "the-page", "openid")

    assert len(gzip.compress(render_ui(language, accounts).encode())) < MAX_COMPRESSED_BYTES
