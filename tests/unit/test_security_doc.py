"""`SECURITY.md` names, for every threat, tests that exist, and has a threat of every kind."""

from __future__ import annotations

import re
from pathlib import Path

from tests.unit.test_promises_doc import names_of_tests

TEXT = (Path(__file__).parents[2] / "SECURITY.md").read_text(encoding="utf-8")
ROWS = re.findall(r"^\| \*\*([\w ]+)\*\*: ([^|]+) \| ([^|]+) \| ([^|]+) \|$", TEXT, re.MULTILINE)
KINDS = {
    "Spoofing",
    "Tampering",
    "Repudiation",
    "Information disclosure",
    "Denial of service",
    "Elevation of privilege",
}


def test_every_kind_of_threat_has_a_control_with_a_test_that_exists() -> None:
    assert {kind for kind, *_ in ROWS} == KINDS
    for _, threat, _, tests in ROWS:
        named = re.findall(r"\[(\w+)\]\(([\w/]+\.py)\)", tests)
        assert named, threat
        assert [test for test, file in named if test not in names_of_tests(file)] == [], threat
