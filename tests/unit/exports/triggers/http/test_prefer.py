"""The header `Prefer` sets how long a request waits (RFC 7240)."""

from __future__ import annotations

import pytest

from exports.triggers.http.prefer import Waiting, parse_prefer

LONGEST = 10


@pytest.mark.parametrize(
    ("prefer", "seconds", "applied"),
    [
        ("", LONGEST, ()),
        ("respond-async", 0, ("respond-async",)),
        ("Respond-Async; foo=bar", 0, ("respond-async",)),
        ("wait=0", 0, ("wait=0",)),
        ("WAIT=3", 3, ("wait=3",)),
        ('wait = "3"; x=y', 3, ("wait=3",)),
        ("respond-async, wait=5", 5, ("respond-async", "wait=5")),
        ("wait=5, respond-async", 5, ("respond-async", "wait=5")),
        ("handling=strict, wait=2,wait=7", 2, ("wait=2",)),
    ],
)
def test_preferences_are_followed_and_reported(prefer: str, seconds: float, applied: tuple[str, ...]) -> None:
    assert parse_prefer(prefer, LONGEST) == Waiting(seconds, applied)


@pytest.mark.parametrize("prefer", ["wait=11", "wait=9999", f"wait={'9' * 400}"])
def test_a_longer_wait_is_cut_and_not_reported_as_followed(prefer: str) -> None:
    assert parse_prefer(prefer, LONGEST) == Waiting(LONGEST)


@pytest.mark.parametrize("prefer", ["wait", "wait=", "wait=-1", "wait=soon", "wait=1.5", "wait=٣", "bogus", " ,,", "="])
def test_invalid_preferences_are_ignored(prefer: str) -> None:
    assert parse_prefer(prefer, LONGEST) == Waiting(LONGEST)


@pytest.mark.parametrize(
    ("prefer", "waiting"),
    [
        ('note="a, respond-async"', Waiting(LONGEST)),
        ('note="a; b, wait=1", wait=2', Waiting(2, ("wait=2",))),
        (r'note="a \", wait=1, \"", wait=2', Waiting(2, ("wait=2",))),
        ('wait=3; note="a, wait=1"', Waiting(3, ("wait=3",))),
        ('note="without its end, respond-async', Waiting(LONGEST)),
    ],
)
def test_a_quoted_string_is_one_value_whatever_it_holds(prefer: str, waiting: Waiting) -> None:
    """The value of a preference may be a quoted string (RFC 7240, section 2; RFC 9110, section 5.6.4)."""
    assert parse_prefer(prefer, LONGEST) == waiting


def test_a_header_reports_the_preferences_that_were_followed() -> None:
    assert parse_prefer("wait=5, respond-async", LONGEST).headers == {"Preference-Applied": "respond-async, wait=5"}
    assert parse_prefer("bogus", LONGEST).headers == {}


@pytest.mark.parametrize(
    ("header", "applied"), [("", ()), ("wait=5", ()), ("respond-async, wait=5", ("respond-async",)), ("wait=99", ())]
)
def test_a_request_that_may_not_wait_claims_no_wait(header: str, applied: tuple[str, ...]) -> None:
    assert parse_prefer(header, 10).not_at_all() == Waiting(0, applied)
