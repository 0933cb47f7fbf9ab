"""`docs/events.md` lists exactly the events that the code emits, with their levels and fields."""

from __future__ import annotations

import json
import re

import pytest

from shared.events import FIELDS
from tests.support.event_calls import ROOT, ROWS, TEXT, emitted_events

EMITTED = emitted_events()


def test_the_table_has_every_event_that_the_code_emits_and_no_other() -> None:
    assert sorted(ROWS) == sorted(EMITTED)
    assert [*ROWS] == sorted(ROWS)


@pytest.mark.parametrize("name", sorted(EMITTED))
def test_the_table_has_the_levels_and_fields_of_each_event(name: str) -> None:
    levels, fields = ROWS[name]
    assert levels == EMITTED[name].levels
    missing, extra = EMITTED[name].fields - set(fields), set(fields) - EMITTED[name].fields
    assert not missing
    assert not extra or EMITTED[name].open


@pytest.mark.parametrize("name", sorted(EMITTED))
def test_the_fields_of_an_event_are_listed_in_the_order_of_its_line(name: str) -> None:
    fields = ROWS[name][1]
    shared = [field for field in FIELDS if field in fields]
    assert fields == [*shared, *sorted(set(fields) - set(FIELDS))]


def test_the_document_explains_every_shared_field() -> None:
    explained = re.findall(r"^\| `(\w+)` \| [^|]+ \|$", TEXT, re.MULTILINE)
    assert tuple(explained) == FIELDS


def test_no_code_writes_an_event_in_another_way() -> None:
    texts = {
        path: path.read_text(encoding="utf-8")
        for folder in ("exports", "shared")
        for path in (ROOT / folder).rglob("*.py")
    }
    found = {path.name for path, text in texts.items() if re.search(r"""_log\.\w+\(\s*f?["']event=""", text)}
    assert found == set()


@pytest.mark.parametrize("name", ["host.json", "infra/host.dts.json", "infra/host.mssql.json"])
def test_no_host_drops_lines_of_events_when_it_samples(name: str) -> None:
    logging = json.loads((ROOT / name).read_text(encoding="utf-8"))["logging"]
    assert "Trace" in logging["applicationInsights"]["samplingSettings"]["excludedTypes"].split(";")
    assert logging["logLevel"]["default"] == "Information"
