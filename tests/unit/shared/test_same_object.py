"""A key for an object stands for the object itself, not for its content."""

from __future__ import annotations

from shared.same_object import SameObject


def test_a_key_is_equal_for_the_same_object_and_different_for_an_equal_one() -> None:
    one, equal = [1], [1]
    assert SameObject(one) == SameObject(one)
    assert hash(SameObject(one)) == hash(SameObject(one))
    assert SameObject(one) != SameObject(equal)
    assert len({SameObject(one), SameObject(one), SameObject(equal)}) == 2
