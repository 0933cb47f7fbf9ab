"""Every decision names the tests that hold it, or says why there are none."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
DECISIONS = sorted((ROOT / "docs" / "decisions").glob("[0-9]*.md"))
_TESTED = re.compile(r"^\*\*Tested by\*\* ((?:.+\n?)+)", re.MULTILINE)
_NOT_TESTED = re.compile(r"^\*\*Not tested\*\*: .{20,}", re.MULTILINE)
_TEST = re.compile(r"`(tests/[\w/]+(?:\.py)?)`")


@pytest.mark.parametrize("decision", DECISIONS, ids=lambda path: path.stem[:4])
def test_a_decision_names_its_tests_or_says_why_it_has_none(decision: Path) -> None:
    text = decision.read_text(encoding="utf-8")
    tested = _TESTED.search(text)
    if tested is None:
        assert _NOT_TESTED.search(text), f"{decision.name} needs a paragraph “**Tested by** `tests/…`”"
        return
    named = _TEST.findall(tested[1])
    assert named, f"{decision.name} names no test after “Tested by”"
    assert [path for path in named if not (ROOT / path).exists()] == []


def test_the_index_lists_every_decision() -> None:
    index = (ROOT / "docs" / "decisions" / "README.md").read_text(encoding="utf-8")
    assert [path.name for path in DECISIONS if f"({path.name})" not in index] == []


@pytest.mark.parametrize("decision", DECISIONS, ids=lambda path: path.stem[:4])
def test_what_has_changed_since_a_decision_is_in_later_decisions(decision: Path) -> None:
    for paragraph in re.findall(r"^Since then: ((?:.+\n)+)", decision.read_text(encoding="utf-8"), re.MULTILINE):
        later = re.findall(r"\]\((\d{4}-[\w-]+\.md)\)", paragraph)
        assert later
        assert all(name > decision.name and (decision.parent / name).exists() for name in later)
