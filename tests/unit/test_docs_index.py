"""`docs/README.md` lists every document once, sorted by what it is for."""

from __future__ import annotations

import re
from pathlib import Path

DOCS = Path(__file__).parents[2] / "docs"
INDEX = (DOCS / "README.md").read_text(encoding="utf-8")
SECTIONS = re.findall(r"^## (\S[^:\n]*): .+\n((?:(?!## ).*\n)*)", INDEX, re.MULTILINE)
_DOCUMENT = re.compile(r"\]\(((?:decisions/)?[\w-]+\.md)\)")


def test_the_index_has_a_section_for_each_kind_of_document() -> None:
    assert [title for title, _ in SECTIONS] == ["Tutorial", "How-to guides", "Reference", "Explanation"]


def test_the_index_lists_every_document_once() -> None:
    listed = [name for _, section in SECTIONS for name in _DOCUMENT.findall(section)]
    documents = [path.name for path in DOCS.glob("*.md") if path.name != "README.md"]
    assert sorted(listed) == sorted([*documents, "decisions/README.md"])


def test_the_index_of_decisions_lists_every_decision_once() -> None:
    decisions = DOCS / "decisions"
    index = (decisions / "README.md").read_text(encoding="utf-8")
    listed = re.findall(r"^\| \[\d{4}\]\((\d{4}-[\w-]+\.md)\) \|", index, re.MULTILINE)
    assert sorted(listed) == sorted(path.name for path in decisions.glob("[0-9]*.md"))
