"""Data frames have a row for each client and a missing value for each cell without a value, whatever the cells hold."""

from __future__ import annotations

from pathlib import Path
from typing import Any, cast

import pytest
from client_export import ExportClient
from client_export.frames import to_pandas, to_polars

from exports.file.csv.renderer import CsvRenderer
from exports.request.columns import ColumnMapping
from exports.request.fields import TargetField
from exports.request.formats import CsvFormat

NAMES = ["a", "   ", "\t", None, "", "  b ", '"', "#", "x\r\ny", "NA", "\\N", "null", "﻿", "é", "-"]
READ = [name or None for name in NAMES]


class _Exported:
    """Stands for a client whose export has these clients."""

    def __init__(self, *fields: TargetField) -> None:
        columns = [ColumnMapping(csv_header=field.value, target_field=field) for field in fields]
        self.renderer = CsvRenderer(columns, CsvFormat(formula_guard=False))

    def export_to(self, path: Path, *_: Any, **__: Any) -> None:
        names = self.renderer.source_columns
        rows = [tuple({"code": str(n), "name": name}.get(each) for each in names) for n, name in enumerate(NAMES)]
        path.write_bytes(self.renderer.opening(with_header=True) + self.renderer.render(rows))


def exported(*fields: TargetField) -> ExportClient:
    return cast("ExportClient", _Exported(*fields))


@pytest.mark.parametrize("others", [(), (TargetField.CODE,)], ids=["alone", "beside another column"])
def test_a_frame_of_pandas_has_every_client_even_if_the_only_cell_is_blank(others: tuple[TargetField, ...]) -> None:
    frame = to_pandas(exported(TargetField.NAME, *others))
    assert [None if each != each else each for each in frame["Name"]] == READ


@pytest.mark.parametrize("others", [(), (TargetField.CODE,)], ids=["alone", "beside another column"])
def test_a_frame_of_polars_has_a_missing_value_for_each_cell_without_one(others: tuple[TargetField, ...]) -> None:
    assert to_polars(exported(TargetField.NAME, *others))["Name"].to_list() == READ
