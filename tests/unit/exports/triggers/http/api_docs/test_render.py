"""The rendered documentation is complete, loads nothing, and is accessible."""

from __future__ import annotations

import base64
import hashlib
import itertools
import re
from html.parser import HTMLParser

import pytest

from exports.triggers.http.api_docs.render import content_policy, render_docs
from exports.triggers.http.problems import PROBLEMS
from tests.support.conformance import document

HTML = render_docs(document())


class Reader(HTMLParser):
    """Collects the tags with their attributes, and the style."""

    def __init__(self) -> None:
        super().__init__()
        self.tags: list[tuple[str, dict[str, str | None]]] = []
        self.style = ""
        self._open = ""

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, dict(attrs)))
        self._open = tag

    def handle_data(self, data: str) -> None:
        if self._open == "style":
            self.style += data

    def handle_endtag(self, tag: str) -> None:
        self._open = ""


@pytest.fixture(scope="module")
def docs() -> Reader:
    reader = Reader()
    reader.feed(HTML)
    return reader


def test_the_documentation_loads_nothing_from_another_host(docs: Reader) -> None:
    assert not {"script", "iframe", "img", "object", "form"} & {tag for tag, _ in docs.tags}
    targets = [value or "" for _, given in docs.tags for name, value in given.items() if name in ("href", "src")]
    assert all(target.startswith(("#", "data:,", "/openapi.json")) for target in targets)
    assert "url(" not in docs.style
    assert "@import" not in docs.style


def test_the_content_policy_of_the_documentation_allows_only_its_style(docs: Reader) -> None:
    digest = base64.b64encode(hashlib.sha256(docs.style.encode()).digest()).decode()
    assert f"style-src 'sha256-{digest}'" in content_policy()
    assert content_policy().startswith("default-src 'none'; ")
    assert not [given for _, given in docs.tags if "style" in given or any(name.startswith("on") for name in given)]


def test_every_internal_link_has_a_target(docs: Reader) -> None:
    anchors = [given["id"] for _, given in docs.tags if "id" in given]
    assert len(set(anchors)) == len(anchors)
    targets = {str(given["href"])[1:] for _, given in docs.tags if str(given.get("href")).startswith("#")}
    assert targets <= set(anchors)


def test_every_operation_model_and_problem_has_an_anchor(docs: Reader) -> None:
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


def test_every_path_is_shown() -> None:
    for path in document()["paths"]:
        assert f"</span> {path}</code>" in HTML


def test_screen_readers_find_headings_and_landmarks(docs: Reader) -> None:
    tags = [tag for tag, _ in docs.tags]
    assert ("html", {"lang": "en"}) in docs.tags
    assert tags.count("h1") == tags.count("main") == tags.count("nav") == 1
    assert ("a", {"class": "skip", "href": "#content"}) in docs.tags
    assert all("scope" in given for tag, given in docs.tags if tag == "th")
    levels = [int(tag[1]) for tag in tags[tags.index("main") :] if re.fullmatch("h[1-6]", tag)]
    assert all(after - before <= 1 for before, after in itertools.pairwise(levels))


def test_the_documentation_has_a_dark_colour_scheme(docs: Reader) -> None:
    assert "color-scheme: light dark" in docs.style
    assert "prefers-color-scheme: dark" in docs.style


def test_texts_of_the_document_are_escaped() -> None:
    hostile = {**document(), "info": {**document()["info"], "title": "<script>alert(1)</script>"}}
    assert "<script>" not in render_docs(hostile)
