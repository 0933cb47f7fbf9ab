"""A tenant may have a few notifications sent by hand in a minute."""

from __future__ import annotations

from exports.notifications.sends_by_hand import MOST_SENDS, WINDOW_SECONDS, SendsByHand
from tests.support.clock import MonotonicClock


def test_a_tenant_that_has_used_up_its_sends_waits_until_the_first_is_a_minute_old() -> None:
    clock = MonotonicClock()
    sends = SendsByHand(clock)
    for _ in range(MOST_SENDS):
        assert sends.admit("northwind") == 0
        clock.seconds += 1

    assert sends.admit("northwind") == WINDOW_SECONDS - MOST_SENDS
    clock.seconds += WINDOW_SECONDS - MOST_SENDS
    assert sends.admit("northwind") == 0
    assert sends.admit("northwind") == 1


def test_a_refused_request_does_not_prolong_the_wait() -> None:
    clock = MonotonicClock()
    sends = SendsByHand(clock)
    for _ in range(MOST_SENDS * 3):
        sends.admit("northwind")
    clock.seconds += WINDOW_SECONDS

    assert sends.admit("northwind") == 0


def test_tenants_do_not_use_up_the_sends_of_others() -> None:
    sends = SendsByHand(MonotonicClock())
    for _ in range(MOST_SENDS + 1):
        sends.admit("northwind")

    assert sends.admit("harbour") == 0


def test_the_memory_for_tenants_is_bounded() -> None:
    sends = SendsByHand(MonotonicClock())
    for number in range(10_100):
        sends.admit(str(number))

    assert len(sends._times) == 10_000
