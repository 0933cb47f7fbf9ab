"""`docs/promises.md` names tests that there are."""

from __future__ import annotations

import ast
import re
from functools import cache
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
DOCUMENT = (ROOT / "docs" / "promises.md").read_text(encoding="utf-8")
ROWS = [line for line in DOCUMENT.splitlines() if line.startswith("| ") and not line.startswith("| Promise ")]
NAMED = sorted(set(re.findall(r"\[(\w+)\]\(\.\./([\w/]+\.py)\)", DOCUMENT)))


@cache
def names_in(file: str) -> frozenset[str]:
    tree = ast.parse((ROOT / file).read_text(encoding="utf-8"))
    functions = (node for node in ast.walk(tree) if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef))
    return frozenset(function.name for function in functions if function.name.startswith("test_"))


@pytest.mark.parametrize(("test", "file"), NAMED)
def test_every_test_that_is_named_is_there(test: str, file: str) -> None:
    assert test in names_in(file)


@pytest.mark.parametrize("row", ROWS, ids=lambda row: row.split("|")[1].strip()[:60])
def test_every_promise_names_a_test(row: str) -> None:
    _, promise, held_by, _ = row.split("|")
    assert promise.strip()
    assert re.fullmatch(r" (\[test_\w+\]\(\.\./tests/[\w/]+\.py\)(<br>)?)+ ", held_by)


def test_every_section_of_the_interface_has_promises() -> None:
    sections = re.split(r"^## ", DOCUMENT, flags=re.MULTILINE)[1:]
    assert {section[0] for section in sections} == set("12345")
    assert all(section.count("\n| ") > 2 for section in sections)
