"""Entity tags, and the conditions of requests that name them."""

from __future__ import annotations

import pytest

from shared.etags import etag_of, is_current, may_change
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


@pytest.mark.parametrize("header", ["*", " * ", TAG, f"W/{TAG}", f'"other", {TAG}', f'W/"x,y",W/{TAG}'])
@pytest.mark.parametrize("current", [TAG, f"W/{TAG}"])
def test_a_copy_is_current_if_its_tag_is_named_weak_or_strong(header: str, current: str) -> None:
    assert is_current(header, current)


@pytest.mark.parametrize(
    "header", [None, "", '"other"', TAG.strip('"'), f"w/{TAG[1:]}", "**", '"a,*,b"', f'"a,{TAG[1:]}']
)
def test_a_copy_with_another_tag_is_not_current(header: str | None) -> None:
    """A tag may hold a comma or a star (RFC 9110, section 8.8.3), which end or begin no other tag."""
    assert not is_current(header, TAG)
