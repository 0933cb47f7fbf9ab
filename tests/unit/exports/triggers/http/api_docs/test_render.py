"""The rendered documentation is complete, loads nothing, and is accessible."""

from __future__ import annotations

import base64
import hashlib
import itertools
import re

import pytest

from exports.triggers.http.api_docs.getting_started import ANCHOR, EXAMPLE_URL, TEXT, TITLE, render_getting_started
from exports.triggers.http.api_docs.render import content_policy, render_docs
from exports.triggers.http.problems import PROBLEMS
from tests.support.conformance import document
from tests.unit.exports.triggers.http.html_reader import HtmlReader

HTML = render_docs(document())


@pytest.fixture(scope="module")
def docs() -> HtmlReader:
    return HtmlReader(HTML)


def test_the_documentation_loads_nothing_from_another_host(docs: HtmlReader) -> None:
    assert not {"script", "iframe", "img", "object", "form"} & {tag for tag, _ in docs.tags}
    assert all(target.startswith(("#", "data:,", "/openapi.json")) for target in docs.targets())
    assert "url(" not in docs.inside["style"]
    assert "@import" not in docs.inside["style"]


def test_the_content_policy_of_the_documentation_allows_only_its_style(docs: HtmlReader) -> None:
    digest = base64.b64encode(hashlib.sha256(docs.inside["style"].encode()).digest()).decode()
    assert f"style-src 'sha256-{digest}'" in content_policy()
    assert content_policy().startswith("default-src 'none'; ")
    assert docs.inline_code() == []


def test_every_internal_link_has_a_target(docs: HtmlReader) -> None:
    anchors = [given["id"] for _, given in docs.tags if "id" in given]
    assert len(set(anchors)) == len(anchors)
    targets = {str(given["href"])[1:] for _, given in docs.tags if str(given.get("href")).startswith("#")}
    assert targets <= set(anchors)


def test_every_operation_model_and_problem_has_an_anchor(docs: HtmlReader) -> None:
    anchors = {given["id"] for _, given in docs.tags if "id" in given}
    names = {
        operation["operationId"].removesuffix("_of_tenant")
        for item in document()["paths"].values()
        for method, operation in item.items()
        if method != "parameters"
    }
    models = {f"model-{name}" for name in document()["components"]["schemas"]}
    webhooks = {item["post"]["operationId"] for item in document()["webhooks"].values()}
    assert names | models | webhooks | {f"problem-{kind.code}" for kind in PROBLEMS} <= anchors


def test_the_documentation_begins_with_getting_started_and_every_step_of_it() -> None:
    steps = re.findall(r"^## (.+)$", TEXT.read_text(encoding="utf-8"), re.MULTILINE)
    section = HTML.partition("<main")[2].partition("<h2")[2].partition("<h2")[0]

    assert section.startswith(f' id="{ANCHOR}">{TITLE}</h2>')
    assert steps
    assert re.findall(r"<h3>(.+?)</h3>", section) == steps


def test_getting_started_names_the_public_address_if_there_is_one() -> None:
    section = render_getting_started("https://exports.example.org")
    assert "SERVICE=https://exports.example.org\n" in section
    assert f"SERVICE={EXAMPLE_URL}\n" in render_getting_started("/")


def test_a_keyboard_reaches_every_table_and_example_by_a_name(docs: HtmlReader) -> None:
    scrolling = [given for tag, given in docs.tags if tag == "pre" or given.get("class") == "scroll"]
    assert len([given for tag, given in docs.tags if tag == "table"]) < len(scrolling)
    assert all((given["tabindex"], given["role"]) == ("0", "group") and given["aria-label"] for given in scrolling)


def test_exports_come_first_after_getting_started() -> None:
    titles = re.findall(r"<h2[^>]*>(.+?)</h2>", HTML.partition("<main")[2])
    assert titles[:3] == [TITLE, "Exports", "Schedules"]


def test_every_path_is_shown() -> None:
    for path in document()["paths"]:
        assert f"</span> {path}</code>" in HTML


def test_screen_readers_find_headings_and_landmarks(docs: HtmlReader) -> None:
    tags = [tag for tag, _ in docs.tags]
    assert ("html", {"lang": "en"}) in docs.tags
    assert tags.count("h1") == tags.count("main") == tags.count("nav") == 1
    assert ("a", {"class": "skip", "href": "#content"}) in docs.tags
    assert all("scope" in given for tag, given in docs.tags if tag == "th")
    levels = [int(tag[1]) for tag in tags[tags.index("main") :] if re.fullmatch("h[1-6]", tag)]
    assert all(after - before <= 1 for before, after in itertools.pairwise(levels))


def test_the_documentation_has_a_dark_colour_scheme(docs: HtmlReader) -> None:
    assert "color-scheme: light dark" in docs.inside["style"]
    assert "prefers-color-scheme: dark" in docs.inside["style"]


def test_texts_of_the_document_are_escaped() -> None:
    hostile = {**document(), "info": {**document()["info"], "title": "<script>alert(1)</script>"}}
    assert "<script>" not in render_docs(hostile)
