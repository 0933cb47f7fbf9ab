"""`docs/devhost.md` names, for every difference between the engines, a test that exists and runs on both of them."""

from __future__ import annotations

import ast
import re
from functools import cache
from pathlib import Path

ROOT = Path(__file__).parents[2]
DOCUMENT = (ROOT / "docs" / "devhost.md").read_text(encoding="utf-8")
DIFFERENCES = DOCUMENT.partition("### Differences from production")[2].partition("\n## ")[0]
OF_THE_ENGINE, OF_THE_HOST = (
    [line for line in part.splitlines() if line.startswith("| ") and not line.startswith("| Difference ")]
    for part in DIFFERENCES.split("These points are devhost's own on either engine:")
)
NAMED = re.compile(r"\[(test_\w+)\]\(\.\./(tests/[\w/]+\.py)\)")


@cache
def fixtures_by_test(file: str) -> dict[str, set[str]]:
    """Return the fixtures of each test in a file."""
    tree = ast.parse((ROOT / file).read_text(encoding="utf-8"))
    functions = (node for node in ast.walk(tree) if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef))
    return {each.name: {argument.arg for argument in each.args.args} for each in functions}


def test_every_difference_names_a_test_that_exists() -> None:
    assert len(OF_THE_ENGINE) > 5
    assert len(OF_THE_HOST) > 3
    for row in (*OF_THE_ENGINE, *OF_THE_HOST):
        named = NAMED.findall(row)
        assert named, row
        assert [test for test, file in named if test not in fixtures_by_test(file)] == []


def test_every_difference_of_the_engine_is_held_by_a_test_that_runs_on_both() -> None:
    both = {"durable"}, {"devhosts_own", "the_real_one"}
    for row in OF_THE_ENGINE:
        fixtures = [fixtures_by_test(file)[test] for test, file in NAMED.findall(row)]
        assert any(wanted <= given for given in fixtures for wanted in both), row


def test_every_test_of_differences_is_named_in_the_document() -> None:
    file = "tests/devhost/durable/test_differences.py"
    tests = {name for name in fixtures_by_test(file) if name.startswith("test_")}
    assert tests == {test for test, where in NAMED.findall(DIFFERENCES) if where == file}
