"""Results that are known are not computed again, and their number is bounded."""

from __future__ import annotations

from itertools import count

import pytest

from exports.file.known import Known


def test_a_function_is_called_once_for_an_argument() -> None:
    numbers = count()
    known = Known(lambda text: f"{text}{next(numbers)}", most=10)
    assert list(map(known.__getitem__, ["a", "b", "a", "b"])) == ["a0", "b1", "a0", "b1"]


def test_no_more_results_are_kept_than_allowed() -> None:
    known = Known(str, most=3)
    assert [known[number] for number in range(10)] == [*map(str, range(10))]
    assert len(known) <= 3


def test_an_argument_without_a_result_is_not_kept() -> None:
    known = Known(int, most=3)
    with pytest.raises(ValueError, match="a"):
        known["a"]
    assert not known
