"""Entity tags, and the condition under which something may be changed."""

from __future__ import annotations

import pytest

from shared.etags import etag_of, may_change
from shared.models import Model


class Body(Model):
    text: str


TAG = etag_of(Body(text="a"))


def test_the_same_body_has_the_same_tag_and_another_body_another() -> None:
    assert etag_of(Body(text="a")) == TAG
    assert etag_of(Body(text="b")) != TAG


def test_a_tag_is_strong_and_quoted() -> None:
    assert TAG.startswith('"')
    assert TAG.endswith('"')


@pytest.mark.parametrize("header", [None, "*", " * ", TAG, f'"other", {TAG}', f'W/"x,y",{TAG}'])
def test_a_change_is_allowed_where_no_tag_any_tag_or_this_tag_is_asked_for(header: str | None) -> None:
    assert may_change(header, TAG)


@pytest.mark.parametrize("header", ["", '"other"', f"W/{TAG}", TAG.strip('"'), f'"a{TAG[1:]}', "**"])
def test_a_change_is_not_allowed_for_another_a_weak_or_an_unquoted_tag(header: str) -> None:
    assert not may_change(header, TAG)
