"""Continuation tokens: opaque, safe in a URL, and never trusted."""

from __future__ import annotations

import base64
import json
from urllib.parse import quote

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shared.models import Model
from shared.paging import MAX_TOKEN_CHARS, BadTokenError, ListDto, decode_token, encode_token


class Item(Model):
    """An item of a list."""

    list_name: str = "x"


@given(st.text(max_size=80))
def test_a_token_leads_back_to_its_position(position: str) -> None:
    assert decode_token(encode_token(position)) == position


@given(st.text(max_size=80))
def test_a_token_needs_no_quoting_in_a_url(position: str) -> None:
    token = encode_token(position)
    assert quote(token, safe="") == token


def test_a_token_hides_the_position_from_a_casual_look() -> None:
    assert "7ybqttn9kg0pf1x6vfw644k23d" not in encode_token("7ybqttn9kg0pf1x6vfw644k23d")


@given(st.text() | st.binary().map(lambda data: base64.urlsafe_b64encode(data).decode()))
def test_whatever_is_sent_as_a_token_is_a_position_or_refused(token: str) -> None:
    try:
        position = decode_token(token)
    except BadTokenError:
        return
    assert isinstance(position, str)


@pytest.mark.parametrize(
    "content",
    [b"", b"7", b"null", b'{"a": 1}', b'["a"]', b'"open', b"\xff", b"[" * 700],
    ids=lambda content: content[:8],
)
def test_a_token_of_anything_but_a_text_is_refused(content: bytes) -> None:
    with pytest.raises(BadTokenError):
        decode_token(base64.urlsafe_b64encode(content).decode())


@pytest.mark.parametrize("token", ["", "x", "é", "ab cd", "+/+/", "IjEi\n"])
def test_a_text_of_other_letters_is_refused(token: str) -> None:
    with pytest.raises(BadTokenError):
        decode_token(token)


def test_a_token_that_is_too_long_is_refused_unread() -> None:
    with pytest.raises(BadTokenError):
        decode_token(encode_token("a" * MAX_TOKEN_CHARS))


def test_the_end_of_a_list_says_so() -> None:
    page = ListDto[Item](data=(Item(),), limit=25, has_more=False)
    assert json.loads(page.model_dump_json(by_alias=True)) == {
        "data": [{"listName": "x"}],
        "limit": 25,
        "hasMore": False,
        "continuationToken": None,
    }
