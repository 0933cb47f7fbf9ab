"""Types as MySQL 8 names them, which no server of these tests does, and values that it cannot print exactly."""

from __future__ import annotations

import pytest

from exports.adapters.clients_sql.dialects.mysql_types import type_named
from exports.adapters.clients_sql.dialects.mysql_values import shortest_single
from exports.adapters.clients_sql.sql.columns import CellForm
from exports.adapters.clients_sql.sql.json_text import compact_json


@pytest.mark.parametrize(
    ("name", "form"),
    [
        ("int unsigned", CellForm.INTEGER),
        ("bigint unsigned", CellForm.INTEGER),
        ("tinyint(1)", CellForm.INTEGER),
        ("year", CellForm.INTEGER),
        ("double", CellForm.FLOAT),
        ("json", CellForm.JSON),
        ("geomcollection", None),
        ("vector(3)", None),
        ("varbinary(9)", None),
        ("a type of a later server", None),
    ],
)
def test_types_of_mysql_8_are_known_by_the_first_word_of_their_names(name: str, form: CellForm | None) -> None:
    assert type_named(name).form is form


def test_json_loses_only_the_white_space_outside_of_strings() -> None:
    printed = '{"a": [1.50, null], "b c": "x,  \\" : y", "d": "\\\\"}'

    assert compact_json(printed) == '{"a":[1.50,null],"b c":"x,  \\" : y","d":"\\\\"}'
    assert compact_json(None) is None


@pytest.mark.parametrize(
    ("printed", "cell"),
    [
        ("0.10000000149011612", "0.1"),
        ("131072.015625", "131072.02"),
        ("16777216", "16777216"),
        ("-3.4028234663852886e38", "-3.4028235e38"),
        ("1.401298464324817e-45", "1e-45"),
        ("0", "0"),
    ],
)
def test_a_number_of_single_precision_gets_the_shortest_text_that_reads_back(printed: str, cell: str) -> None:
    assert shortest_single(printed) == cell
