"""The ui offers everything that the API does, runs only its own script, and loads nothing from another host."""

from __future__ import annotations

import base64
import hashlib
import json
import re
from collections import Counter
from pathlib import Path

import pytest

import exports.triggers.http.ui
from exports.jobs.states import JobStatus
from exports.request.fields import SENSITIVE_FIELDS, ClientStatus, ClientType, TargetField
from exports.request.filters import ClientFilter
from exports.request.formats import Delimiter, FormatPreset, LineEnding, Quoting
from exports.triggers.http.ui.accounts import Accounts
from exports.triggers.http.ui.render import content_policy, render_ui
from tests.support.conformance import document
from tests.unit.exports.triggers.http.html_reader import HtmlReader

HTML = render_ui()
FOLDER = Path(exports.triggers.http.ui.__file__).parent
_PUBLIC = re.compile(r"^(?:export )?(?:async )?(?:function|class|const|let) (\w+)", re.MULTILINE)
_EXPORTED = re.compile(r"^export (?:async )?(?:function|class|const|let) (\w+)", re.MULTILINE)
_IMPORTED = re.compile(r'^import \{ ([^}]*) \} from "\./(\w+)\.js";$', re.MULTILINE)
_COMMENT = re.compile(r"/\*.*?\*/|//[^\n]*", re.DOTALL)


@pytest.fixture(scope="module")
def ui() -> HtmlReader:
    return HtmlReader(HTML)


def test_the_ui_loads_nothing_from_another_host(ui: HtmlReader) -> None:
    assert all(target.startswith(("#", "data:", "/docs", "?lang=")) for target in ui.targets())
    for name, text in ui.inside.items():
        if name.startswith("vendor-"):  # names of XML namespaces are in them; the policy lets no script load anything
            continue
        assert "http:" not in text
        assert "https:" not in text
        assert "url(" not in text
        assert "@import" not in text


def test_the_content_policy_of_the_ui_allows_only_its_own_script_and_style(ui: HtmlReader) -> None:
    directives = dict(part.strip().split(" ", 1) for part in content_policy().split(";"))
    scripts = [text for name, text in ui.inside.items() if name.startswith(("vendor-", "script module"))]
    assert len(scripts) == sum(tag == "script" for tag, _ in ui.tags) - len(("metadata", "texts"))
    for directive, texts in (("script-src", scripts), ("style-src", [ui.inside["style"]])):
        digests = [base64.b64encode(hashlib.sha256(text.encode()).digest()).decode() for text in texts]
        assert directives[directive] == " ".join(f"'sha256-{digest}'" for digest in digests)
    assert directives["default-src"] == "'none'"
    assert directives["connect-src"] == "'self'"
    assert directives["frame-ancestors"] == "'none'"
    assert ui.inline_code() == []


def test_only_a_page_with_accounts_may_call_their_issuer() -> None:
    accounts = Accounts("https://login.example:8443/tenant/v2.0", "the-page", "openid profile")
    page = HtmlReader(render_ui("en", accounts))

    assert "connect-src 'self' https://login.example:8443;" in content_policy(accounts)
    assert "login.example" not in content_policy()
    assert json.loads(page.inside["metadata"])["accounts"]["clientId"] == "the-page"
    assert json.loads(HtmlReader(HTML).inside["metadata"])["accounts"] is None
    assert "vendor-oidc-client-ts" in page.inside
    assert "vendor-oidc-client-ts" not in HtmlReader(HTML).inside
    digest = base64.b64encode(hashlib.sha256(page.inside["vendor-oidc-client-ts"].encode()).digest()).decode()
    assert digest in content_policy(accounts)


def test_the_ui_offers_every_field_and_marks_the_sensitive_ones(ui: HtmlReader) -> None:
    assert sorted(ui.values("input", "data-field")) == sorted(TargetField)
    assert HTML.count('<span class="mark">sensitive</span>') == len(SENSITIVE_FIELDS)


def test_the_ui_offers_every_status_type_and_format(ui: HtmlReader) -> None:
    assert ui.values("input", "value", name="statuses") == list(ClientStatus)
    assert ui.values("input", "value", name="types") == list(ClientType)
    assert ui.values("input", "value", name="preset") == list(FormatPreset)
    offered = set(ui.values("option", "value"))
    assert {*Delimiter, *LineEnding, *Quoting, *JobStatus} <= offered


def test_nothing_can_be_exported_before_the_form_is_filled(ui: HtmlReader) -> None:
    """The script allows it then. Until then it would ignore a press without a word."""
    assert ui.values("button", "aria-disabled", id="export") == ["true"]


def test_the_ui_offers_every_filter_of_the_api() -> None:
    for name, field in ClientFilter.model_fields.items():
        assert f'data-pointer="/filter/{field.alias}"' in HTML, name


def test_every_field_that_can_show_a_fault_is_a_property_of_a_request(ui: HtmlReader) -> None:
    schemas = document()["components"]["schemas"]
    request = schemas["CsvExportRequestDto"]["properties"]
    inner = {"filter": schemas["ClientFilterInput"]["properties"], "format": schemas["FormatDto"]["properties"]}
    inner["notify"] = schemas["NotifyDto"]["properties"]
    for tag, given in ui.tags:
        if pointer := given.get("data-pointer"):
            first, *rest = pointer[1:].split("/")
            assert first in request, (tag, pointer)
            assert not rest or rest[0] in inner[first], (tag, pointer)


@pytest.mark.parametrize(
    ("attribute", "body"), [("data-schedule", "SaveScheduleDto"), ("data-test", "NotificationTestDto")]
)
def test_every_field_of_another_form_is_a_property_of_its_body(ui: HtmlReader, attribute: str, body: str) -> None:
    schemas = document()["components"]["schemas"]
    inside = {"request": schemas["CsvExportRequestDto"]["properties"], "notify": schemas["NotifyDto"]["properties"]}
    pointers = [pointer for _, given in ui.tags if (pointer := given.get(attribute))]
    assert pointers
    for pointer in pointers:
        properties = schemas[body]["properties"]
        for name in pointer[1:].split("/"):
            assert name in properties, pointer
            properties = inside.get(name, {})


def test_every_label_belongs_to_a_field_and_every_id_is_unique(ui: HtmlReader) -> None:
    ids = Counter(str(given["id"]) for _, given in ui.tags if "id" in given)

    assert [name for name, times in ids.items() if times > 1] == []
    assert set(ui.values("label", "for")) <= set(ids)
    for _, given in ui.tags:
        for name in ("aria-labelledby", "aria-describedby"):
            assert set((given.get(name) or "").split()) <= set(ids)


def test_every_element_that_the_script_uses_exists(ui: HtmlReader) -> None:
    ids = {str(given["id"]) for _, given in ui.tags if "id" in given}

    assert set(re.findall(r'byId\("([^"]+)"\)', ui.inside["script module"])) <= ids


def test_the_metadata_is_json_that_cannot_end_its_element(ui: HtmlReader) -> None:
    metadata = json.loads(ui.inside["metadata"])

    assert "<" not in ui.inside["metadata"]
    assert "<" not in ui.inside["texts"]
    assert {status for status, shown in metadata["jobStatuses"].items() if shown["ended"]} == {
        status for status in JobStatus if status.is_terminal
    }


# --- the script is joined from modules, so that one hash in the policy allows it


def modules() -> dict[str, str]:
    return {file.stem: file.read_text(encoding="utf-8") for file in FOLDER.glob("*.js")}


def test_no_name_is_declared_by_two_modules() -> None:
    declared = Counter(name for text in modules().values() for name in _PUBLIC.findall(text))

    assert [name for name, times in declared.items() if times > 1] == []


def test_every_import_of_a_module_is_exported_by_an_earlier_module(ui: HtmlReader) -> None:
    script = ui.inside["script module"]
    for name, text in modules().items():
        assert text.count("\nimport ") + text.startswith("import ") == len(_IMPORTED.findall(text)), name
        for imported, source in _IMPORTED.findall(text):
            for each in imported.split(", "):
                assert re.search(rf"^export (async )?(function|class|const) {each}\b", modules()[source], re.MULTILINE)
            begins = [script.index(f"{modules()[module].splitlines()[0]}\n") for module in (source, name)]
            assert begins == sorted(begins), f"{name} is joined before {source}"
    assert not re.search(r"^(import|export) ", script, re.MULTILINE)


def test_every_module_imports_what_it_calls_of_other_modules() -> None:
    """The modules are joined into one script, in which a forgotten import goes unnoticed."""
    exported = {name: source for source, text in modules().items() for name in _EXPORTED.findall(text)}
    for module, text in modules().items():
        code = _COMMENT.sub("", text)
        known = {each for names, _ in _IMPORTED.findall(text) for each in names.split(", ")}
        called = set(re.findall(r"(?:(?<![\w$.])|(?<=\.{3}))(\w+)\(", code)) & exported.keys()
        assert {name for name in called if exported[name] != module} <= known, module


def test_every_module_uses_what_it_imports() -> None:
    for module, text in modules().items():
        code = _COMMENT.sub("", _IMPORTED.sub("", text))
        known = [each for names, _ in _IMPORTED.findall(text) for each in names.split(", ")]
        assert [name for name in known if not re.search(rf"\b{name}\b", code)] == [], module


def test_the_script_never_writes_markup() -> None:
    for name, text in modules().items():
        assert not re.search(r"innerHTML|outerHTML|insertAdjacentHTML|document\.write|\beval\b|new Function", text), (
            name
        )


def test_every_request_of_the_page_is_sent_by_the_method_that_notices_wrong_keys() -> None:
    """`Api.send` asks for the key again, as `tests/browser/test_signed_out.py` shows. No module sends without it."""
    sending = re.compile(r"\bfetch\(|XMLHttpRequest|sendBeacon|EventSource|WebSocket|\.exchange\(")
    found = {name: sending.findall(_COMMENT.sub("", text)) for name, text in modules().items()}
    assert {name: calls for name, calls in found.items() if calls} == {"api": [".exchange(", "fetch("]}


def test_only_the_download_asks_for_the_link_of_an_export() -> None:
    """A link counts as a download, so a look at an export asks for none, as `tests/browser/test_downloads.py` shows."""
    asking = re.compile(r"pathOf\([\w.]+\)")
    found = {name: asking.findall(_COMMENT.sub("", text)) for name, text in modules().items()}
    assert {name: calls for name, calls in found.items() if calls} == {"download": ["pathOf(code)"]}
