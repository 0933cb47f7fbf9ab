"""When a webhook is sent again, and when it is given up."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Any

import pytest

from exports.jobs.job import JobRef
from exports.notifications.delivery import RETRY_SECONDS
from exports.workflow.commands import WebhookDelivery
from exports.workflow.names import WEBHOOK_DELIVERY
from exports.workflow.webhook_delivery import LAST_TRY_PATIENCE
from shared.retry_policy import RetryPolicy
from tests.support.builders import NOON
from tests.support.orchestrators import Run, run

JOB = JobRef(tenant="northwind", code="7ybqttn9kg0pf1x6vfw644k23d", attempt=1)
DONE, STOPPED = {"kind": "Done"}, {"kind": "Stopped"}
FAILED = {"kind": "Undelivered"}
UNDER_WAY = {"kind": "Undelivered", "askAgainSeconds": 7.0, "underWay": True}


def deliver(
    answers: Sequence[Any], pauses: Sequence[float] = RETRY_SECONDS, tries: int = 1, email: int | None = None
) -> Run:
    """Run a delivery whose tries get these answers in turn: an outcome, or an error to raise."""
    waiting = list(answers)

    def answer(_name: str, _payload: Any) -> Any:
        outcome = waiting.pop(0)
        if isinstance(outcome, Exception):
            raise outcome
        return outcome

    command = WebhookDelivery(job=JOB, pauses_seconds=tuple(pauses), retry=RetryPolicy(tries=tries), email=email)
    done = run(WEBHOOK_DELIVERY, command.model_dump(mode="json", by_alias=True), answer)
    assert waiting == []
    return done


def times(done: Run) -> list[float]:
    """Return the seconds from the start to each timer."""
    moments = [moment for moment in done.pauses() if isinstance(moment, datetime)]
    return [(moment - NOON).total_seconds() for moment in moments]


def numbers(done: Run) -> list[int]:
    return [command["number"] for command in done.commands("send_webhook")]


def test_a_webhook_that_is_accepted_at_once_is_sent_once() -> None:
    done = deliver([DONE])
    assert (numbers(done), times(done), done.output) == ([1], [], DONE)


def test_a_webhook_is_sent_again_after_the_recommended_pauses() -> None:
    done = deliver([FAILED] * 9 + [DONE])
    assert numbers(done) == list(range(1, 11))
    begun = 0.0
    for at, pause in zip(times(done), RETRY_SECONDS, strict=True):
        assert 0.74 * pause <= at - begun <= 1.26 * pause + 1
        begun = at


def test_the_try_after_the_last_pause_is_the_last_one() -> None:
    done = deliver([FAILED] * 3, pauses=[1, 2])
    assert numbers(done) == [1, 2, 3]
    assert done.output["kind"] == "Undelivered"


@pytest.mark.parametrize("outcome", [STOPPED, {"kind": "Undelivered", "final": True}])
def test_a_webhook_that_can_no_longer_be_delivered_is_not_sent_again(outcome: Any) -> None:
    assert numbers(deliver([FAILED, outcome])) == [1, 2]


def test_a_receiver_that_asks_for_a_longer_pause_gets_it() -> None:
    done = deliver([{"kind": "Undelivered", "retryAfterSeconds": 900.0}, DONE])
    assert times(done)[0] == pytest.approx(900, abs=1)


def test_a_receiver_that_asks_for_a_shorter_pause_gets_the_planned_one() -> None:
    done = deliver([FAILED, {"kind": "Undelivered", "retryAfterSeconds": 1.0}, DONE])
    assert times(done)[1] - times(done)[0] > 200


def test_a_send_step_that_keeps_raising_counts_as_one_failed_try() -> None:
    down = OSError("connection reset")
    done = deliver([down, down, down, DONE], tries=3, pauses=[5])
    assert numbers(done) == [1, 1, 1, 2]
    assert done.output == DONE


def test_two_deliveries_are_not_repeated_at_the_same_moment() -> None:
    command = WebhookDelivery(job=JOB, pauses_seconds=(1000,)).model_dump(mode="json", by_alias=True)
    runs = [run(WEBHOOK_DELIVERY, command, lambda _name, _payload: FAILED, instance) for instance in ("a", "b")]
    assert times(runs[0]) != times(runs[1])


# --- tries that are under way or postponed


def postponed(seconds: float) -> Any:
    return {"kind": "Undelivered", "askAgainSeconds": seconds}


def test_the_result_of_a_try_that_is_under_way_is_asked_for_later() -> None:
    done = deliver([UNDER_WAY, UNDER_WAY, DONE])
    assert [(each["number"], each.get("begun")) for each in done.commands("send_webhook")] == [
        (1, None),
        (1, True),
        (1, True),
    ]
    assert times(done) == pytest.approx([7, 14], abs=1)
    assert done.output == DONE


def test_a_try_that_stays_under_way_counts_as_failed() -> None:
    done = deliver([UNDER_WAY] * 6 + [DONE], pauses=[5])
    assert numbers(done) == [1] * 6 + [2]
    assert done.output == DONE


def test_a_postponed_try_is_made_later_under_its_number() -> None:
    done = deliver([FAILED, postponed(100), postponed(50), DONE])
    assert [(each["number"], each.get("postponed")) for each in done.commands("send_webhook")] == [
        (1, None),
        (2, None),
        (2, 1),
        (2, 2),
    ]
    begun = times(done)[0]
    assert times(done)[1:] == pytest.approx([begun + 100, begun + 150], abs=1)


def test_a_postponed_try_leaves_the_schedule_as_it_is() -> None:
    """A try is postponed until the next one is due at most, and the next one comes when it would have come anyway."""
    usual = times(deliver([FAILED] * 3 + [DONE], pauses=[1000, 1000, 1000]))
    done = deliver([FAILED, postponed(250), postponed(250), postponed(1000), FAILED, DONE], pauses=[1000, 1000, 1000])
    assert numbers(done) == [1, 2, 2, 2, 3, 4]
    assert [times(done)[index] for index in (0, 3, 4)] == pytest.approx(usual, abs=1)


def test_the_last_try_waits_for_an_hour_before_the_webhook_is_given_up() -> None:
    seconds = LAST_TRY_PATIENCE.total_seconds()
    assert numbers(deliver([FAILED, postponed(seconds), DONE], pauses=[5])) == [1, 2, 2]
    final = {"kind": "Undelivered", "final": True}
    done = deliver([FAILED, postponed(seconds + 1), final], pauses=[5])
    assert [(each["number"], each.get("givenUp")) for each in done.commands("send_webhook")] == [
        (1, None),
        (2, None),
        (2, True),
    ]
    assert done.output["final"]


def test_every_command_of_an_email_names_its_address() -> None:
    done = deliver([UNDER_WAY, FAILED, {"kind": "Undelivered", "askAgainSeconds": 9000.0}, DONE], pauses=[1], email=2)
    commands = done.commands("send_webhook")
    assert [command["email"] for command in commands] == [2] * 4
    assert commands[-1]["givenUp"]


def test_a_command_of_a_webhook_is_as_it_was_before_there_was_email() -> None:
    (command,) = deliver([DONE]).commands("send_webhook")
    assert command == {"job": JOB.model_dump(mode="json"), "number": 1}
