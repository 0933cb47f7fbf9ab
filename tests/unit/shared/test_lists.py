"""Lists in parts, and continuation tokens: opaque, safe in a URL, and never trusted."""

from __future__ import annotations

import base64
import json
from urllib.parse import quote

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shared.lists import MAX_TOKEN_CHARS, BadTokenError, ListDto, decode_token, encode_token, make_list, sort_and_cut
from shared.models import Model


class Item(Model):
    """An item of a list."""

    list_name: str = "x"


@given(st.text(max_size=80))
def test_a_token_decodes_to_its_cursor(cursor: str) -> None:
    assert decode_token(encode_token(cursor)) == cursor


@given(st.text(max_size=80))
def test_a_token_needs_no_quoting_in_a_url(cursor: str) -> None:
    token = encode_token(cursor)
    assert quote(token, safe="") == token


def test_a_token_does_not_show_its_cursor_as_plain_text() -> None:
    assert "7ybqttn9kg0pf1x6vfw644k23d" not in encode_token("7ybqttn9kg0pf1x6vfw644k23d")


@given(st.text() | st.binary().map(lambda data: base64.urlsafe_b64encode(data).decode()))
def test_any_text_sent_as_a_token_is_decoded_or_refused(token: str) -> None:
    try:
        cursor = decode_token(token)
    except BadTokenError:
        return
    assert isinstance(cursor, str)


@pytest.mark.parametrize(
    "content",
    [b"", b"7", b"null", b'{"a": 1}', b'["a"]', b'"open', b"\xff", b"[" * 700],
    ids=lambda content: content[:8],
)
def test_a_token_with_anything_but_a_string_is_refused(content: bytes) -> None:
    with pytest.raises(BadTokenError):
        decode_token(base64.urlsafe_b64encode(content).decode())


@pytest.mark.parametrize("token", ["", "x", "é", "ab cd", "+/+/", "IjEi\n"])
def test_a_token_with_other_characters_is_refused(token: str) -> None:
    with pytest.raises(BadTokenError):
        decode_token(token)


def test_a_token_that_is_too_long_is_refused() -> None:
    with pytest.raises(BadTokenError):
        decode_token(encode_token("a" * MAX_TOKEN_CHARS))


def test_a_list_goes_on_after_a_cursor_even_if_that_item_is_gone() -> None:
    items = [Item(list_name=name) for name in "dacb"]
    first = sort_and_cut(items, lambda item: item.list_name, 2)
    assert [item.list_name for item in first.data] == ["a", "b"]
    assert first.has_more
    after = decode_token(first.continuation_token or "")
    rest = sort_and_cut([item for item in items if item.list_name != "b"], lambda item: item.list_name, 2, after)
    assert [item.list_name for item in rest.data] == ["c", "d"]
    assert (rest.has_more, rest.continuation_token) == (False, None)


def test_one_item_more_than_the_limit_shows_that_a_list_goes_on() -> None:
    items = [Item(list_name=name) for name in "abc"]
    part = make_list(items, lambda item: item.list_name, lambda item: item, 2)
    assert (part.data, part.continuation_token) == (tuple(items[:2]), encode_token("b"))


def test_the_last_part_of_a_list_says_that_there_is_no_more() -> None:
    part = ListDto[Item](data=(Item(),), limit=25, has_more=False)
    assert json.loads(part.model_dump_json(by_alias=True)) == {
        "data": [{"listName": "x"}],
        "limit": 25,
        "hasMore": False,
        "continuationToken": None,
    }
