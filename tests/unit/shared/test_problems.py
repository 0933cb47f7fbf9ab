"""Problem documents follow RFC 9457, and JSON pointers RFC 6901."""

from __future__ import annotations

import pytest
from pydantic import Field, ValidationError

from shared.faults import faults_of
from shared.models import Model
from shared.problems import Fault, ProblemError, ProblemType, pointer

TEAPOT = ProblemType("teapot", 418, "It is a teapot")


def test_a_document_has_the_members_of_the_standard() -> None:
    assert ProblemError(TEAPOT, "Use a kettle.").document("/tea") == {
        "type": "/docs#problem-teapot",
        "title": "It is a teapot",
        "status": 418,
        "detail": "Use a kettle.",
        "code": "teapot",
        "instance": "/tea",
    }


def test_a_document_without_an_instance_omits_the_member() -> None:
    assert "instance" not in ProblemError(TEAPOT, "Use a kettle.").document()


def test_faults_are_listed_under_errors() -> None:
    faults = [Fault(pointer="/a", detail="Wrong."), Fault(pointer="", detail="All wrong.")]
    assert ProblemError(TEAPOT, "Faults.", faults).document()["errors"] == [
        {"pointer": "/a", "detail": "Wrong."},
        {"pointer": "", "detail": "All wrong."},
    ]


@pytest.mark.parametrize(
    ("path", "expected"),
    [((), ""), (("a", 0, "b"), "/a/0/b"), (("a/b", "c~d"), "/a~1b/c~0d"), (("~1",), "/~01"), (("",), "/")],
)
def test_a_pointer_escapes_slashes_and_tildes(path: tuple[str | int, ...], expected: str) -> None:
    assert pointer(*path) == expected


class Colours(Model):
    names: tuple[str, ...] = ()
    size: int = 0


def test_every_validation_error_becomes_a_fault_that_ends_in_one_full_stop() -> None:
    with pytest.raises(ValidationError) as raised:
        Colours.model_validate({"names": [1], "size": "x", "other": 1})
    faults = faults_of(raised.value.errors())
    assert [fault.pointer for fault in faults] == ["/names/0", "/size", "/other"]
    assert all(fault.detail.endswith(".") and not fault.detail.endswith("..") for fault in faults)


class FewColours(Model):
    names: tuple[str, ...] = Field(max_length=1_000)


def test_too_many_entries_of_a_list_are_a_fault_in_words_of_json() -> None:
    with pytest.raises(ValidationError) as raised:
        FewColours.model_validate({"names": ["red"] * 1_001})
    (fault,) = faults_of(raised.value.errors())
    assert fault.detail == "This may have at most 1,000 entries."
