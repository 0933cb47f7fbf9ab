"""How objects become rows of a table, and what is refused."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime
from enum import StrEnum
from typing import Any

import pytest
from azure.data.tables import EdmType, EntityProperty

from shared.api_keys import ApiKey
from shared.models import Model
from shared.row_codec import INT64, PLAIN, TEXTS, RowCodec, compressed_json, plain_moment
from shared.table_keys import KEYS
from tests.support.keys import a_key

NOON = datetime(2026, 1, 31, 12, tzinfo=UTC)


class Colour(StrEnum):
    RED = "Red"


class Box(Model):
    """A model inside an item."""

    wide_side: int = 1
    text: str = ""


@dataclass(frozen=True)
class Item:
    name: str
    made_date: datetime
    colour: Colour | None = None
    box: Box | None = None
    big: int = 0
    tags: tuple[str, ...] = ()


FORMS = {"big": INT64, "tags": TEXTS}
ITEMS = RowCodec(Item, forms=FORMS)


class SdkMoment(datetime):
    """Like the SDK's: a datetime of a class of its own."""


def test_fields_are_stored_in_camel_case_in_the_usual_form_of_their_type() -> None:
    item = Item("a", NOON, Colour.RED, Box(wide_side=2), big=2**40, tags=("x", "y"))
    assert ITEMS.write(item) == {
        "name": "a",
        "madeDate": NOON,
        "colour": "Red",
        "box": '{"wideSide":2,"text":""}',
        "big": EntityProperty(2**40, EdmType.INT64),
        "tags": '["x", "y"]',
    }


def test_none_is_not_stored_and_comes_back() -> None:
    item = Item("a", NOON)
    row = ITEMS.write(item)
    assert row.keys() == {"name", "madeDate", "big", "tags"}
    assert ITEMS.read(row) == item


def test_a_moment_of_the_sdk_comes_back_as_a_plain_one() -> None:
    found = ITEMS.read({**ITEMS.write(Item("a", NOON)), "madeDate": SdkMoment(2026, 1, 31, 12, tzinfo=UTC)})
    assert (type(found.made_date), found.made_date) == (datetime, NOON)
    assert plain_moment(found.made_date) == NOON


def test_a_compressed_model_comes_back() -> None:
    codec = RowCodec(Item, forms={**FORMS, "box": compressed_json(Box, exclude_defaults=True)})
    item = Item("a", NOON, box=Box(text="x" * 100_000))
    row = codec.write(item)
    assert len(row["box"]) < 1_000
    assert codec.read(row) == item


def test_equal_compressed_models_are_one_object_and_different_ones_are_not() -> None:
    codec = RowCodec(Item, forms={**FORMS, "box": compressed_json(Box)})
    rows = [codec.write(Item("a", NOON, box=Box(wide_side=side))) for side in (3, 3, 4)]
    first, same, other = (codec.read(row).box for row in rows)
    assert first is same
    assert (first, other) == (Box(wide_side=3), Box(wide_side=4))


def test_compressed_models_are_stored_as_they_are_however_many_there_are() -> None:
    codec = RowCodec(Item, forms={**FORMS, "box": compressed_json(Box)})
    items = [Item("a", NOON, box=Box(wide_side=side)) for side in range(100)]
    assert [codec.read(codec.write(item)) for item in items * 2] == items * 2


def test_a_field_may_be_stored_under_another_name() -> None:
    codec = RowCodec(Item, forms={**FORMS, "name": PLAIN.named("title")})
    item = Item("a", NOON)
    assert codec.write(item)["title"] == "a"
    assert codec.read(codec.write(item)) == item


def test_fields_of_the_keys_are_given_when_a_row_is_read() -> None:
    codec = RowCodec(Item, elsewhere=("name",), forms=FORMS)
    row = codec.write(Item("a", NOON))
    assert "name" not in row
    assert codec.read(row, name="a") == Item("a", NOON)


def test_properties_of_later_versions_are_ignored() -> None:
    assert ITEMS.read({**ITEMS.write(Item("a", NOON)), "later": 1}) == Item("a", NOON)


def test_a_type_without_a_usual_form_is_refused() -> None:
    with pytest.raises(TypeError, match=r"Say in which form Item\.tags is stored"):
        RowCodec(Item).write(Item("a", NOON))


@pytest.mark.parametrize("option", ["elsewhere", "always_present"])
def test_a_field_that_does_not_exist_cannot_be_named(option: str) -> None:
    options: dict[str, Any] = {option: ("nmae",)}
    with pytest.raises(TypeError, match="nmae"):
        RowCodec(Item, forms=FORMS, **options).write(Item("a", NOON))


def test_every_field_of_an_api_key_comes_back() -> None:
    rotated = {"replaced_by": "aaaaaaaaaaaa", "planned_expires": NOON, "request": "caller:body"}
    key, _ = a_key(expires=NOON, revoked=NOON, last_used=NOON, scopes=("a", "b"), **rotated)
    assert {name for name in ApiKey.model_fields if getattr(key, name) is None} == set()
    assert KEYS.read(KEYS.write(key), id=key.id) == key
