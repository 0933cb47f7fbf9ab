"""The table of transitions: every pair of state and event."""

from __future__ import annotations

import pytest

from exports.jobs.states import IllegalTransitionError, JobEvent, JobStatus, next_status

QUEUED, IN_PROGRESS, COMPLETED, FAILED, CANCELLED = JobStatus
BEGIN, COMPLETE, FAIL, CANCEL, RESUME, RETRY = JobEvent

LEGAL = {
    (QUEUED, BEGIN): IN_PROGRESS,
    (QUEUED, RETRY): QUEUED,
    (QUEUED, FAIL): FAILED,
    (QUEUED, CANCEL): CANCELLED,
    (IN_PROGRESS, BEGIN): IN_PROGRESS,
    (IN_PROGRESS, RETRY): IN_PROGRESS,
    (IN_PROGRESS, COMPLETE): COMPLETED,
    (IN_PROGRESS, FAIL): FAILED,
    (IN_PROGRESS, CANCEL): CANCELLED,
    (CANCELLED, CANCEL): CANCELLED,
    (FAILED, RESUME): QUEUED,
    (CANCELLED, RESUME): QUEUED,
}
PAIRS = [(status, event) for status in JobStatus for event in JobEvent]


def test_statuses_have_their_published_names() -> None:
    assert [status.value for status in JobStatus] == ["Queued", "InProgress", "Completed", "Failed", "Cancelled"]


@pytest.mark.parametrize(("status", "event"), PAIRS)
def test_every_event_leads_to_the_expected_state_or_is_refused(status: JobStatus, event: JobEvent) -> None:
    if (status, event) in LEGAL:
        assert next_status(status, event) is LEGAL[status, event]
    else:
        with pytest.raises(IllegalTransitionError):
            next_status(status, event)


def test_the_refusal_of_an_event_is_a_plain_sentence() -> None:
    with pytest.raises(IllegalTransitionError, match=r"^A job that is Completed cannot be cancelled\.$"):
        next_status(COMPLETED, CANCEL)


def test_a_job_has_ended_when_completed_failed_or_cancelled() -> None:
    assert [status for status in JobStatus if status.is_terminal] == [COMPLETED, FAILED, CANCELLED]


def test_only_a_resume_changes_the_state_of_a_job_that_has_ended() -> None:
    moved = {event for (status, event), target in LEGAL.items() if status.is_terminal and target is not status}
    assert moved == {RESUME}
