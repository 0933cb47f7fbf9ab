"""The cursors of a list of tries sort as the log does, and a reader that follows them misses and repeats nothing."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta, timezone

import pytest
from hypothesis import given
from hypothesis import strategies as st

from exports.notifications.delivery import Delivery
from exports.notifications.delivery_cursor import is_delivery_cursor, with_cursors
from tests.support.builders import NOON


def a_try(attempt: int, moment: datetime) -> Delivery:
    return Delivery(
        tenant="tenant",
        code="code",
        attempt=attempt,
        number=1,
        moment=moment,
        event_id="msg_1",
        origin="https://example.com",
        status=200,
        fault=None,
        milliseconds=1,
    )


BEGINS = st.tuples(
    st.integers(1, 12),
    st.builds(
        lambda microseconds, hours: (NOON + timedelta(microseconds=microseconds)).astimezone(
            timezone(timedelta(hours=hours))
        ),
        st.sampled_from([0, 1, 999_999, 1_000_000, 86_400_000_000]),
        st.integers(-12, 12),
    ),
)
TRIES = st.lists(BEGINS, max_size=12).map(lambda begins: [a_try(*each) for each in sorted(begins)])
"""The tries of a job as the log lists them: by attempt and begin. Some begin at the same moment."""


@given(TRIES)
def test_cursors_grow_from_try_to_try_and_have_their_form(tries: list[Delivery]) -> None:
    cursors = [cursor for cursor, _ in with_cursors(tries)]
    assert [each for _, each in with_cursors(tries)] == tries
    assert sorted(set(cursors)) == cursors
    assert all(map(is_delivery_cursor, cursors))


@given(TRIES, TRIES)
def test_a_try_keeps_its_cursor_when_later_ones_are_added(earlier: list[Delivery], later: list[Delivery]) -> None:
    added = [a_try(each.attempt + 20, each.moment) for each in later]
    before = list(with_cursors(earlier))
    assert list(with_cursors([*earlier, *added]))[: len(before)] == before


@given(TRIES, st.integers(1, 4))
def test_a_list_that_is_followed_by_its_cursors_has_every_try_once(tries: list[Delivery], limit: int) -> None:
    seen: list[Delivery] = []
    after = ""
    while part := [pair for pair in with_cursors(tries) if pair[0] > after][:limit]:
        seen += [each for _, each in part]
        after = part[-1][0]
    assert seen == tries


def test_a_cursor_is_the_same_in_every_time_zone() -> None:
    moment = datetime(2026, 1, 31, 23, 30, 0, 7, tzinfo=timezone(-timedelta(hours=2)))
    ((cursor, _),) = with_cursors([a_try(1, moment)])
    assert cursor == "000001-20260201T013000000007-000000"
    assert [(cursor, a_try(1, moment.astimezone(UTC)))] == list(with_cursors([a_try(1, moment.astimezone(UTC))]))


@pytest.mark.parametrize(
    "text",
    [
        "",
        "000001",
        "000001-20260201T013000000007",
        "1-20260201T013000000007-0",
        "000001-20260201T013000000007-000000\n",
    ],
)
def test_another_text_is_no_cursor(text: str) -> None:
    assert not is_delivery_cursor(text)
