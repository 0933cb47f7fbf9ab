"""How the answer of a receiver is judged: delivered, final, or how long to wait."""

from __future__ import annotations

import pytest

from exports.notifications.delivery import SendResult
from tests.support.builders import NOON


@pytest.mark.parametrize(
    ("result", "delivered", "final"),
    [
        (SendResult(status=200), True, False),
        (SendResult(status=204), True, False),
        (SendResult(status=299), True, False),
        (SendResult(status=199), False, False),
        (SendResult(status=302), False, False),
        (SendResult(status=404), False, False),
        (SendResult(status=410), False, True),
        (SendResult(status=500), False, False),
        (SendResult(fault="timeout"), False, False),
        (SendResult(fault="address-refused"), False, True),
    ],
)
def test_2xx_is_delivered_and_only_410_and_a_refused_address_are_final(
    result: SendResult, delivered: bool, final: bool
) -> None:
    assert (result.is_delivered, result.is_final) == (delivered, final)


@pytest.mark.parametrize(
    ("status", "header", "seconds"),
    [
        (503, "120", 120),
        (429, " 120 ", 120),
        (429, "Sat, 31 Jan 2026 12:02:00 GMT", 120),
        (429, "Sat, 31 Jan 2026 11:00:00 GMT", 0),
        (429, "-5", 0),
        (429, "soon", 0),
        (429, "", 0),
        (429, None, 0),
        (429, "9" * 400, 86_400),
        (429, "²", 0),
        (429, "Wed, 21 Oct 99999999999 07:28:00 GMT", 0),
        (429, "Wed, 21 Oct 2026 99999999999:28:00 GMT", 0),
        (429, "Wed, 21 Oct 2026 07:28:00 +99999999999999", 0),
        (500, "120", 0),
    ],
)
def test_a_throttling_receiver_gets_the_pause_it_asks_for_up_to_a_day(
    status: int, header: str | None, seconds: float
) -> None:
    assert SendResult(status=status, retry_after=header).retry_after_seconds(NOON) == seconds
