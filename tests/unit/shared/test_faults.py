"""Every error of a validation becomes one fault, with a code for programs and a sentence for people."""

from __future__ import annotations

from datetime import datetime
from enum import StrEnum
from typing import Annotated, Any

import pytest
from pydantic import AfterValidator, Field, ValidationError

from shared.faults import FORM_KINDS, FaultKind, faults_of
from shared.models import Model
from shared.problems import Fault

ODD = FaultKind("odd-number", "Give an even number instead of {given}.")


def even(value: int) -> int:
    if value % 2:
        raise ODD.error(given=str(value))
    return value


class Colour(StrEnum):
    RED = "red"
    BLUE = "blue"


class Sign(StrEnum):
    COMMA = ","
    SEMICOLON = ";"


Word = StrEnum("Word", "alfa bravo charlie delta echo foxtrot golf hotel india juliett kilo")


class Body(Model):
    number: Annotated[int, Field(ge=0, le=10), AfterValidator(even)] = 0
    name: Annotated[str, Field(min_length=1, max_length=3)] = "x"
    names: Annotated[tuple[str, ...], Field(max_length=1)] = ()
    moment: datetime | None = None
    colour: Colour = Colour.RED
    word: Word = Word("alfa")
    words: tuple[Word, ...] = ()
    is_new: bool = False
    sign: Sign = Sign.COMMA


def faults(**body: Any) -> list[Fault]:
    with pytest.raises(ValidationError) as raised:
        Body.model_validate(body)
    return faults_of(raised.value.errors())


@pytest.mark.parametrize(
    ("body", "code", "detail"),
    [
        ({"number": 7}, "odd-number", "Give an even number instead of 7."),
        ({"number": "x"}, "invalid", "This must be a whole number."),
        ({"number": -2}, "invalid", "This must be at least 0."),
        ({"number": 12}, "invalid", "This must be at most 10."),
        ({"name": ""}, "empty", "This must not be empty."),
        ({"name": "long"}, "too-long", "This may have at most 3 characters."),
        ({"names": ["a", "b"]}, "too-many-entries", "This may have at most 1 entries."),
        (
            {"moment": "soon"},
            "not-a-moment",
            "This must be a date and time with its offset, e.g. 2026-01-31T09:00:00Z.",
        ),
        ({"colour": "Red"}, "none-of-values", "This must be one of red, blue."),
        ({"word": "delte"}, "misspelt-value", "This is not a known value; did you mean delta?"),
        ({"sign": "::"}, "none-of-values", "This must be one of “,”, “;”."),
        ({"isNew": []}, "not-a-boolean", "This must be true or false."),
        (
            {"other": 1},
            "unknown-property",
            "There is no property with this name here; remove it or correct its spelling.",
        ),
    ],
)
def test_an_error_has_the_code_and_the_sentence_of_its_kind(body: dict[str, Any], code: str, detail: str) -> None:
    (fault,) = faults(**body)
    assert (fault.pointer, fault.code, fault.detail) == (f"/{next(iter(body))}", code, detail)


def test_only_the_first_hundred_wrong_values_are_compared_with_all_known_ones() -> None:
    codes = [fault.code for fault in faults(words=["delte"] * 101)]
    assert codes == ["misspelt-value"] * 100 + ["unknown-value"]


def test_the_values_of_a_sentence_stand_beside_it() -> None:
    assert faults(number=7) == [ODD.at("/number", given="7")]


def test_the_kinds_of_every_body_have_codes_of_their_own() -> None:
    assert len({kind.code for kind in FORM_KINDS}) == len(FORM_KINDS)


def test_equal_faults_are_one_element_of_a_set() -> None:
    twice = [ODD.at("/number", given=7), ODD.at("/number", given=7)]
    assert {*twice, ODD.at("/number", given=9), ODD.at("/other", given=7)} == {
        ODD.at("/number", given=7),
        ODD.at("/number", given=9),
        ODD.at("/other", given=7),
    }
    assert len({*twice}) == 1
