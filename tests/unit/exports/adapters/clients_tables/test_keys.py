"""Keys of clients in Table Storage keep the order of codes and separate tenants."""

from __future__ import annotations

from itertools import product

import pytest
from hypothesis import given
from hypothesis import strategies as st

from exports.adapters.clients_tables.keys import TenantKeys, after_prefix, escape, unescape

TEXTS = st.text(st.characters(exclude_categories=["Cs"]), max_size=12)


@given(TEXTS)
def test_a_key_is_plain_ascii_and_can_be_decoded(text: str) -> None:
    assert unescape(escape(text)) == text
    assert set(escape(text)) <= set("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789.-_~")


@given(TEXTS, TEXTS)
def test_different_texts_have_different_keys(one: str, other: str) -> None:
    assert (escape(one) == escape(other)) == (one == other)


@given(TEXTS, TEXTS, st.integers(0, 8))
def test_keys_with_partitions_sort_like_row_keys(one: str, other: str, prefix: int) -> None:
    keys = TenantKeys("northwind", prefix)
    pairs = sorted((keys.partition(escape(text)), escape(text)) for text in (one, other))

    assert [row_key for _, row_key in pairs] == sorted([escape(one), escape(other)])


@given(TEXTS, TEXTS, TEXTS)
def test_no_partition_of_a_tenant_lies_between_those_of_another(one: str, other: str, code: str) -> None:
    keys, others = TenantKeys(one, 4), TenantKeys(other, 4)
    partition = others.partition(escape(code))

    assert (keys.first <= partition < keys.end) == (one == other)


@given(TEXTS, st.integers(1, 9))
def test_the_key_after_a_prefix_follows_all_keys_with_the_prefix(code: str, length: int) -> None:
    key = escape(code)
    assert key < after_prefix(key[:length])


@pytest.mark.parametrize(("lower", "upper"), list(product(["C1", "é", "a b"], ["C2", "zz~", "ü/"])))
def test_the_key_after_a_prefix_precedes_the_next_prefix(lower: str, upper: str) -> None:
    first, second = sorted([escape(lower), escape(upper)])
    if not second.startswith(first):
        assert after_prefix(first) < second
