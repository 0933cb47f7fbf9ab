"""Duplicate names in JSON objects are found."""

from __future__ import annotations

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shared.repeated_names import find_repeated_names

VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=5), inner, max_size=4),
    max_leaves=20,
)


@pytest.mark.parametrize(
    ("document", "pointers"),
    [
        (b'{"a": 1, "a": 1}', ["/a"]),
        (b'{"a": 1, "a": 2, "a": 3}', ["/a", "/a"]),
        (b'{"a": [{"b": 1}, {"b": 1, "b": 2}]}', ["/a/1/b"]),
        (b'{"a": {"x": 1}, "b": {"x": 1}}', []),
        (b'{"a": 1, "\\u0061": 2}', ["/a"]),
        (b'{"a": 1, "A": 2}', []),
        (b'{"x/y": {"~": 1, "~": 2}}', ["/x~1y/~0"]),
        (b"3", []),
    ],
)
def test_every_duplicate_name_is_a_fault_with_its_pointer(document: bytes, pointers: list[str]) -> None:
    assert [fault.pointer for fault in find_repeated_names(document)] == pointers


@given(VALUES)
def test_no_fault_is_found_in_a_document_without_duplicate_names(value: object) -> None:
    assert find_repeated_names(json.dumps(value).encode()) == []
