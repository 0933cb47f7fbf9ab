"""What the user of a failed job is told."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

from exports.errors import (
    ExportError,
    FileMismatchError,
    PermanentError,
    SourceMismatchError,
    StorageUnavailableError,
    TransientError,
)
from exports.jobs import failures
from exports.jobs.failures import INTERRUPTED, Failure, failure_of
from exports.steps.orchestrations import NotStartedError

API = Path(__file__).parents[4] / "docs" / "api.md"


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


def kinds_of(base: type[ExportError]) -> Iterator[type[ExportError]]:
    for kind in base.__subclasses__():
        yield kind
        yield from kinds_of(kind)


def test_every_failure_is_documented_as_it_is() -> None:
    assert NotStartedError in kinds_of(TransientError)
    made = [failure_of(kind("Why.")) for base in (TransientError, PermanentError) for kind in kinds_of(base)]
    made += [value for value in vars(failures).values() if isinstance(value, Failure)]
    said = {(True,): "yes", (False,): "no", (False, True): "yes or no"}

    def shown(code: str, name: str) -> str:
        return said[tuple(sorted({getattr(failure, name) for failure in made if failure.code == code}))]

    rows = re.findall(r"^\| `([a-z-]+)` \| ([a-z ]+) \| ([a-z ]+) \|", API.read_text(encoding="utf-8"), re.MULTILINE)
    codes = {failure.code for failure in made}
    assert sorted(rows) == [(code, shown(code, "retryable"), shown(code, "resumable")) for code in sorted(codes)]
