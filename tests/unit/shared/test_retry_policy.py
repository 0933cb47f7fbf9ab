"""Pauses between tries are bounded, grow, and are the same in every replay."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from shared.retry_policy import RetryPolicy

_POLICIES = st.builds(
    RetryPolicy,
    first_pause_seconds=st.floats(0.1, 10),
    longest_pause_seconds=st.floats(10, 600),
)


@given(_POLICIES, st.integers(1, 60), st.text())
def test_pauses_double_up_to_the_longest_give_or_take_a_quarter(
    policy: RetryPolicy, failed_tries: int, seed: str
) -> None:
    whole = min(policy.first_pause_seconds * 2 ** (failed_tries - 1), policy.longest_pause_seconds)
    assert whole * 0.7499 <= policy.pause(failed_tries, seed).total_seconds() <= whole * 1.2501


@given(_POLICIES, st.integers(1, 60), st.text())
def test_the_same_try_of_a_call_always_has_the_same_pause(policy: RetryPolicy, failed_tries: int, seed: str) -> None:
    assert policy.pause(failed_tries, seed) == policy.pause(failed_tries, seed)


def test_pauses_are_the_same_in_every_release() -> None:
    seconds = [round(RetryPolicy().pause(failed, "7zzz-1 write_page 0").total_seconds(), 3) for failed in (1, 2, 8)]
    assert seconds == [0.872, 1.637, 63.471]


def test_calls_that_fail_together_are_not_repeated_together() -> None:
    assert len({RetryPolicy().pause(1, f"job-{number}") for number in range(100)}) > 50


def test_pauses_grow() -> None:
    seconds = [RetryPolicy(longest_pause_seconds=1e6).pause(failed, "seed").total_seconds() for failed in (1, 3, 5)]
    assert seconds == sorted(seconds)


def test_the_longest_silence_is_the_sum_of_all_pauses_and_the_patience() -> None:
    policy = RetryPolicy(tries=4, first_pause_seconds=1, longest_pause_seconds=2, patience_seconds=60)
    pauses = [policy.pause(failed, "seed").total_seconds() for failed in (1, 2, 3)]
    assert sum(pauses) <= 1.25 * (1 + 2 + 2)
    assert policy.longest_silence.total_seconds() == 1.25 * (1 + 2 + 2) + 60 + 60
    assert 21 * 60 < RetryPolicy().longest_silence.total_seconds() < 22 * 60
