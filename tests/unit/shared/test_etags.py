"""Entity tags, and the condition under which a request may change a resource."""

from __future__ import annotations

import pytest

from shared.etags import etag_of, may_change
from shared.models import Model


class Body(Model):
    text: str


TAG = etag_of(Body(text="a"))


def test_two_bodies_have_the_same_tag_only_if_they_are_equal() -> None:
    assert etag_of(Body(text="a")) == TAG
    assert etag_of(Body(text="b")) != TAG


def test_a_tag_is_strong_and_quoted() -> None:
    assert TAG.startswith('"')
    assert TAG.endswith('"')


@pytest.mark.parametrize("header", [None, "*", " * ", TAG, f'"other", {TAG}', f'W/"x,y",{TAG}'])
def test_a_change_is_allowed_without_if_match_with_a_star_or_with_the_tag(header: str | None) -> None:
    assert may_change(header, TAG)


@pytest.mark.parametrize("header", ["", '"other"', f"W/{TAG}", TAG.strip('"'), f'"a{TAG[1:]}', "**"])
def test_a_change_is_refused_for_another_weak_or_unquoted_tag(header: str) -> None:
    assert not may_change(header, TAG)
