"""What the user of a failed job is told."""

from __future__ import annotations

from exports.errors import FileMismatchError, SourceMismatchError, StorageUnavailableError
from exports.failures import INTERRUPTED, failure_of
from exports.jobs import Failure


def test_what_could_not_pass_in_time_may_be_tried_again_and_resumed() -> None:
    assert failure_of(StorageUnavailableError("No answer.")) == Failure(
        code="storage-unavailable", message="No answer.", retryable=True, resumable=True
    )


def test_what_repeating_cannot_cure_may_not() -> None:
    assert failure_of(SourceMismatchError("No such view.")) == Failure(
        code="source-mismatch", message="No such view.", retryable=False, resumable=False
    )


def test_the_owner_of_the_clients_is_told_what_no_log_may_hold() -> None:
    error = SourceMismatchError("A client comes twice.", private="It is C0002.")
    assert failure_of(error).message == "A client comes twice. It is C0002."
    assert "C0002" not in str(error)


def test_a_file_that_does_not_add_up_can_be_resumed() -> None:
    assert failure_of(FileMismatchError("It does not add up.")) == Failure(
        code="file-mismatch", message="It does not add up.", retryable=False, resumable=True
    )


def test_a_cause_is_not_told() -> None:
    error = StorageUnavailableError("No answer.")
    error.__cause__ = ValueError("secret.host.example")
    assert "secret" not in failure_of(error).model_dump_json()


def test_an_interrupted_job_may_be_tried_again() -> None:
    assert (INTERRUPTED.code, INTERRUPTED.retryable) == ("interrupted", True)
