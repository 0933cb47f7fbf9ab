"""Failures: how errors are described to the user of a job."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from pathlib import Path

import pytest

from exports.errors import (
    ExportError,
    FileMismatchError,
    KeyOrderError,
    PermanentError,
    SourceMismatchError,
    SourceRefusedError,
    StorageUnavailableError,
    TransientError,
)
from exports.jobs import failures
from exports.jobs.failures import INTERRUPTED, Failure, failure_of, unexpected_failure
from exports.steps.orchestrations import NotStartedError

ROOT = Path(__file__).parents[4]
API = ROOT / "docs" / "api.md"


def test_a_transient_error_is_retryable_and_resumable() -> None:
    assert failure_of(StorageUnavailableError("No answer.")) == Failure(
        code="storage-unavailable", message="No answer.", retryable=True, resumable=True
    )


def test_a_permanent_error_is_neither_retryable_nor_resumable() -> None:
    assert failure_of(KeyOrderError("Other order.")) == Failure(
        code="key-order", message="Other order.", retryable=False, resumable=False
    )


@pytest.mark.parametrize("kind", [SourceMismatchError, SourceRefusedError])
def test_a_failure_of_the_database_that_its_operator_mends_is_resumable(kind: type[ExportError]) -> None:
    failure = failure_of(kind("The password is wrong."))
    assert (failure.retryable, failure.resumable) == (False, True)


def test_the_user_sees_client_data_that_no_log_may_hold() -> None:
    error = SourceMismatchError("A client comes twice.", private="It is C0002.")
    assert failure_of(error).message == "A client comes twice. It is C0002."
    assert "C0002" not in str(error)


def test_a_file_mismatch_is_resumable() -> None:
    assert failure_of(FileMismatchError("It does not add up.")) == Failure(
        code="file-mismatch", message="It does not add up.", retryable=False, resumable=True
    )


def test_a_failure_does_not_show_the_cause_of_the_error() -> None:
    error = StorageUnavailableError("No answer.")
    error.__cause__ = ValueError("secret.host.example")
    assert "secret" not in failure_of(error).model_dump_json()


def test_an_interruption_is_retryable() -> None:
    assert (INTERRUPTED.code, INTERRUPTED.retryable) == ("interrupted", True)


def kinds_of(base: type[ExportError]) -> Iterator[type[ExportError]]:
    for kind in base.__subclasses__():
        yield kind
        yield from kinds_of(kind)


def test_the_documentation_lists_every_failure_correctly() -> None:
    assert NotStartedError in kinds_of(TransientError)
    made = [failure_of(kind("Why.")) for base in (TransientError, PermanentError) for kind in kinds_of(base)]
    made.append(unexpected_failure("1"))
    made += [value for value in vars(failures).values() if isinstance(value, Failure)]
    words = {(True,): "yes", (False,): "no", (False, True): "yes or no"}

    def shown(code: str, name: str) -> str:
        return words[tuple(sorted({getattr(failure, name) for failure in made if failure.code == code}))]

    rows = re.findall(r"^\| `([a-z-]+)` \| ([a-z ]+) \| ([a-z ]+) \|", API.read_text(encoding="utf-8"), re.MULTILINE)
    codes = {failure.code for failure in made}
    assert sorted(rows) == [(code, shown(code, "retryable"), shown(code, "resumable")) for code in sorted(codes)]


def strings_in(path: Path) -> Iterator[str]:
    """Give the strings of a file that are no docstrings: the beginnings of statements."""
    text = path.read_text(encoding="utf-8")
    if path.suffix == ".json":
        yield text
        return
    nodes = list(ast.walk(ast.parse(text)))
    docstrings = {id(node.value) for node in nodes if isinstance(node, ast.Expr)}
    for node in nodes:
        if isinstance(node, ast.Constant) and isinstance(node.value, str) and id(node) not in docstrings:
            yield node.value


def test_every_text_sends_its_reader_to_the_people_who_run_the_service() -> None:
    """Neither support nor the operator: one name for them, so that the reader knows whom to ask."""
    wrong = re.compile(r"\bthe operator\b|\bits operator\b|\b(tell|give|ask|for|den) support\b", re.IGNORECASE)
    files = [path for folder in ("exports", "shared") for path in (ROOT / folder).rglob("*.py")]
    files += (ROOT / "exports" / "triggers" / "http" / "ui" / "texts").glob("*.json")
    said = [f"{path.relative_to(ROOT)}: {text}" for path in files for text in strings_in(path) if wrong.search(text)]
    assert said == []


def test_an_interrupted_export_is_resumed_and_not_started_again() -> None:
    assert INTERRUPTED.message.endswith("Resume it; if it fails again, tell the people who run the service.")
