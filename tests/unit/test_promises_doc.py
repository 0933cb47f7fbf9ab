"""`docs/promises.md` names, for every promise, tests that exist."""

from __future__ import annotations

import ast
import re
from functools import cache
from pathlib import Path

ROOT = Path(__file__).parents[2]
DOCUMENT = (ROOT / "docs" / "promises.md").read_text(encoding="utf-8")
ROWS = [line for line in DOCUMENT.splitlines() if line.startswith("| ") and not line.startswith("| Promise ")]
NAMED = sorted(set(re.findall(r"\[(\w+)\]\(\.\./([\w/]+\.py)\)", DOCUMENT)))


@cache
def names_of_tests(file: str) -> frozenset[str]:
    """Return the names of the test functions in a file; none if there is no such file."""
    path = ROOT / file
    tree = ast.parse(path.read_text(encoding="utf-8") if path.is_file() else "")
    functions = (node for node in ast.walk(tree) if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef))
    return frozenset(function.name for function in functions if function.name.startswith("test_"))


def test_every_test_that_the_document_names_exists() -> None:
    assert NAMED
    assert [f"{file}::{test}" for test, file in NAMED if test not in names_of_tests(file)] == []


def test_every_promise_names_a_test() -> None:
    row_pattern = re.compile(r"\| \S[^|]*\| (\[test_\w+\]\(\.\./tests/[\w/]+\.py\)(<br>)?)+ \|")
    assert ROWS
    assert [row for row in ROWS if not row_pattern.fullmatch(row)] == []


def test_every_section_of_the_interface_has_promises() -> None:
    sections = re.split(r"^## ", DOCUMENT, flags=re.MULTILINE)[1:]
    numbers = [section.partition(". ")[0] for section in sections]
    assert numbers == [str(number) for number in range(1, len(sections) + 1)]
    assert all(section.count("\n| ") > 2 for section in sections)
