"""Idempotency keys: which texts are valid, and when two requests are the same."""

from __future__ import annotations

import re
from typing import Any

import pytest

from exports.request.body import CsvExportRequestDto
from exports.request.idempotency import hash_of_body, hash_of_key, is_idempotency_key

NAME = {"csvHeader": "Client", "targetField": "Name"}


def _hash(body: Any) -> str:
    return hash_of_body(CsvExportRequestDto.model_validate(body))


@pytest.mark.parametrize("key", ["a", "a b", "~" * 255, "8e03978e-40d5-43e8-bc93-6894a57f9324", "'; drop table--"])
def test_a_key_consists_of_visible_ascii_characters(key: str) -> None:
    assert is_idempotency_key(key)


@pytest.mark.parametrize("key", ["", " ", " a", "a ", "a" * 256, "a\n", "a\tb", "é", "a\x00b", "a\x7f"])
def test_other_texts_are_not_keys(key: str) -> None:
    assert not is_idempotency_key(key)


def test_a_key_is_stored_as_its_hash() -> None:
    assert re.fullmatch("[0-9a-f]{64}", hash_of_key("a/b#c?"))
    assert hash_of_key("a") != hash_of_key("A")


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ({}, {"includeHeaders": True, "filter": {}, "columnMappings": None}),
        ({"filter": {"search": "x", "types": ["Trust"]}}, {"filter": {"types": ["Trust"], "search": "x"}}),
        ({"filter": {"managerCodes": []}}, {}),
        (
            {"filter": {"updatedSince": "2026-01-31T09:00:00+01:00"}},
            {"filter": {"updatedSince": "2026-01-31T08:00:00.000Z"}},
        ),
    ],
    ids=["defaults", "order of properties", "empty list", "time zones"],
)
def test_requests_that_mean_the_same_have_the_same_hash(one: Any, other: Any) -> None:
    assert _hash(one) == _hash(other)


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ({}, {"includeHeaders": False}),
        ({"filter": {"search": "x"}}, {"filter": {"search": "X"}}),
        ({"filter": {"managerCodes": ["1", "2"]}}, {"filter": {"managerCodes": ["1,2"]}}),
        ({"filter": {"managerCodes": ["1"]}}, {"filter": {"partnerCodes": ["1"]}}),
        ({"columnMappings": [NAME]}, {"columnMappings": [NAME | {"csvHeader": "client"}]}),
        ({}, {"mappingCode": "m"}),
    ],
)
def test_requests_with_different_meanings_have_different_hashes(one: Any, other: Any) -> None:
    assert _hash(one) != _hash(other)


def test_the_hash_of_a_request_is_the_same_in_every_release() -> None:
    """The hash is stored. If it changed, a repeat after a deployment would be refused as another request."""
    assert _hash({}) == "44136fa355b3678a1146ad16f7e8649e94fb4fc21fe77e8310c060f61caaff8a"
