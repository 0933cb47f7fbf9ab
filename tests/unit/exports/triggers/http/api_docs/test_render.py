"""The page shows the whole document, needs nobody else, and can be used without a mouse."""

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

PAGE = render_docs(document())


class Reader(HTMLParser):
    """Collects tags with their attributes, and the style."""

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
def page() -> Reader:
    reader = Reader()
    reader.feed(PAGE)
    return reader


def test_it_asks_no_other_host_for_anything(page: Reader) -> None:
    assert not {"script", "iframe", "img", "object", "form"} & {tag for tag, _ in page.tags}
    targets = [value or "" for _, given in page.tags for name, value in given.items() if name in ("href", "src")]
    assert all(target.startswith(("#", "data:,", "/openapi.json")) for target in targets)
    assert "url(" not in page.style
    assert "@import" not in page.style


def test_its_policy_allows_its_style_and_nothing_else(page: Reader) -> None:
    digest = base64.b64encode(hashlib.sha256(page.style.encode()).digest()).decode()
    assert f"style-src 'sha256-{digest}'" in content_policy()
    assert content_policy().startswith("default-src 'none'; ")
    assert not [given for _, given in page.tags if "style" in given or any(name.startswith("on") for name in given)]


def test_every_link_within_it_leads_somewhere(page: Reader) -> None:
    anchors = [given["id"] for _, given in page.tags if "id" in given]
    assert len(set(anchors)) == len(anchors)
    targets = {str(given["href"])[1:] for _, given in page.tags if str(given.get("href")).startswith("#")}
    assert targets <= set(anchors)


def test_every_operation_model_and_problem_has_its_place(page: Reader) -> None:
    anchors = {given["id"] for _, given in page.tags if "id" in given}
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
        assert f"</span> {path}</code>" in PAGE


def test_readers_that_hear_it_find_their_way(page: Reader) -> None:
    tags = [tag for tag, _ in page.tags]
    assert ("html", {"lang": "en"}) in page.tags
    assert tags.count("h1") == tags.count("main") == tags.count("nav") == 1
    assert ("a", {"class": "skip", "href": "#content"}) in page.tags
    assert all("scope" in given for tag, given in page.tags if tag == "th")
    levels = [int(tag[1]) for tag in tags[tags.index("main") :] if re.fullmatch("h[1-6]", tag)]
    assert all(after - before <= 1 for before, after in itertools.pairwise(levels))


def test_it_follows_the_colours_of_the_reader(page: Reader) -> None:
    assert "color-scheme: light dark" in page.style
    assert "prefers-color-scheme: dark" in page.style


def test_text_of_the_document_is_never_markup() -> None:
    hostile = {**document(), "info": {**document()["info"], "title": "<script>alert(1)</script>"}}
    assert "<script>" not in render_docs(hostile)
