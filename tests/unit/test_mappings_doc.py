"""`docs/mappings.md` and the decision on sensitive fields agree with the code."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from exports.mappings.mapping import MAX_MAPPINGS
from exports.mappings.presets import MAPPING_PRESETS
from exports.request.fields import SENSITIVE_FIELDS
from exports.triggers.http.mapping_routes import ROUTES

DOCS = Path(__file__).parents[2] / "docs"
DOCUMENT = (DOCS / "mappings.md").read_text(encoding="utf-8")
DECISION = (DOCS / "decisions" / "0009-sensitive-fields.md").read_text(encoding="utf-8")


@pytest.mark.parametrize("code", MAPPING_PRESETS)
def test_a_preset_is_documented_with_its_columns_in_order(code: str) -> None:
    preset = MAPPING_PRESETS[code]
    section = DOCUMENT.partition(f"### `{code}`")[2].partition("###")[0]
    assert f"{preset.name}; `matchField` is `{preset.match_field.value}`." in section
    assert re.findall(r"^\| (.+?) \| `(\w+)` \| (sensitive)? ?\|$", section, re.MULTILINE) == [
        (
            column.csv_header,
            column.target_field.value,
            "sensitive" if column.target_field in SENSITIVE_FIELDS else "",
        )
        for column in preset.columns
    ]


def test_every_route_is_documented_with_its_scope() -> None:
    documented = re.findall(r"^\| `(\w+) …/(\S+)` \| `(\S+)` \|", DOCUMENT, re.MULTILINE)
    assert documented == [(route.method, route.path, route.scope and route.scope.value) for route in ROUTES]


def test_the_document_states_the_maximum_number_of_mappings() -> None:
    assert f"at most {MAX_MAPPINGS}.**" in DOCUMENT


def test_the_decision_names_every_sensitive_field() -> None:
    table = "\n".join(re.findall(r"^\| `.*", DECISION, re.MULTILINE))
    assert set(re.findall(r"`(\w+)`", table)) == {field.value for field in SENSITIVE_FIELDS}
