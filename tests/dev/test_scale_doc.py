"""`docs/scale.md` shows the results of the simulation."""

from __future__ import annotations

import pytest

from devhost.local.paths import ROOT
from tests.scale.__main__ import table
from tests.scale.chart import draw
from tests.scale.scenarios import one_tenant, top_of_the_hour


@pytest.mark.thorough
def test_tables_and_chart_in_the_document_match_the_simulation() -> None:
    document = (ROOT / "docs" / "scale.md").read_text(encoding="utf-8")
    billion, hour = list(one_tenant()), list(top_of_the_hour())

    for steps in (billion, hour):
        for row in table("", steps).splitlines()[2:]:
            assert row in document, ".venv/bin/python -m tests.scale docs/scale.svg prints the tables as they are now"
    assert (ROOT / "docs" / "scale.svg").read_text(encoding="utf-8") == draw(billion, hour)
