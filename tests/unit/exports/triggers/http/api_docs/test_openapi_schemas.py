"""Schemas are built from models and their docstrings."""

from __future__ import annotations

from typing import Any

import pytest

from exports.triggers.http.api_docs.openapi_schemas import READ, WRITTEN, make_schemas, parse_docstring
from shared.lists import ListDto
from shared.models import Model, Moment, OptionalField


class Inner(Model):
    """A part."""

    size: int


class Outer(Model):
    """A whole, in
    two lines.

    Attributes:
        first_part: What it
            begins with.
        born: When.
    """

    first_part: Inner
    born: Moment | None = None
    names: tuple[str, ...] = ()


def schemas_of(*models: Any) -> dict[str, Any]:
    return make_schemas(models)[1]


def test_docstrings_describe_models_and_properties() -> None:
    outer = schemas_of((Outer, READ))["Outer"]

    assert outer["description"] == "A whole, in two lines."
    assert outer["properties"]["firstPart"]["description"] == "What it begins with."
    assert outer["properties"]["born"]["description"] == "When."


class Larger(Outer):
    """More than a whole.

    Attributes:
        born: When it became larger.
    """


def test_a_model_that_extends_another_one_has_the_descriptions_of_its_properties() -> None:
    larger = schemas_of((Larger, READ))["Larger"]

    assert larger["description"] == "More than a whole."
    assert larger["properties"]["firstPart"]["description"] == "What it begins with."
    assert larger["properties"]["born"]["description"] == "When it became larger."


def test_a_schema_for_reading_is_closed_and_one_for_writing_is_open() -> None:
    read, written = schemas_of((Outer, READ))["Outer"], schemas_of((Outer, WRITTEN))["Outer"]

    assert read["additionalProperties"] is False
    assert "additionalProperties" not in written


def test_a_model_that_is_read_and_written_has_two_names() -> None:
    schemas = schemas_of((Outer, READ), (Outer, WRITTEN))

    assert set(schemas) == {"Inner", "InnerInput", "Outer", "OuterInput"}
    assert schemas["OuterInput"]["properties"]["firstPart"]["$ref"] == "#/components/schemas/InnerInput"


class Answer(Model):
    """An answer with every kind of property that may lack a value."""

    count: int
    total: int | None = None
    part: Inner | None = None
    added: OptionalField[str] = None


def test_an_answer_requires_what_it_always_has_except_references_that_may_be_null() -> None:
    assert schemas_of((Answer, WRITTEN))["Answer"]["required"] == ["count", "total"]
    assert set(Answer(count=1).model_dump(by_alias=True)) == {"count", "total", "part"}


def test_a_body_requires_only_what_has_no_default() -> None:
    assert schemas_of((Answer, READ))["Answer"]["required"] == ["count"]


def test_a_stored_answer_requires_only_what_has_no_default() -> None:
    _, schemas = make_schemas([(ListDto[Answer], WRITTEN)], {ListDto[Answer]})

    assert schemas["Answer"]["required"] == ["count"]


class SentDto(Model):
    """A body that is also shown."""

    name: str = "unnamed"


def test_a_body_keeps_its_published_name_if_answers_contain_it_too() -> None:
    schemas = schemas_of((SentDto, READ), (SentDto, WRITTEN))

    assert schemas.keys() == {"SentDto", "SentDtoShown"}
    assert schemas["SentDto"]["additionalProperties"] is False


def test_null_is_a_type_and_empty_defaults_are_left_out() -> None:
    properties = schemas_of((Outer, WRITTEN))["Outer"]["properties"]

    assert properties["born"] == {"type": ["string", "null"], "format": "date-time", "description": "When."}
    assert "default" not in properties["names"]


def test_a_list_is_named_for_its_items() -> None:
    references, schemas = make_schemas([(ListDto[Inner], WRITTEN)])

    assert references[ListDto[Inner], WRITTEN] == {"$ref": "#/components/schemas/ListOfInner"}
    assert schemas["ListOfInner"]["properties"]["data"]["items"] == {"$ref": "#/components/schemas/Inner"}


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("One.", ("One.", {})),
        ("One.\n\nTwo\nthree.", ("One.\n\nTwo three.", {})),
        ("One.\n\nAttributes:\n    a, b: Both.\n", ("One.", {"a": "Both.", "b": "Both."})),
    ],
)
def test_a_docstring_is_split_into_text_and_attributes(text: str, expected: tuple[str, dict[str, str]]) -> None:
    assert parse_docstring(text) == expected
