"""The table of problems, and the problem of each exception."""

from __future__ import annotations

import re

import pytest

from exports.adapters.clients_sql.sql.translations import MissingColumnError, UnreadableValueError
from exports.errors import (
    ExportError,
    FileMismatchError,
    PermanentError,
    SourceMismatchError,
    SourceRefusedError,
    SourceThrottledError,
    SourceUnavailableError,
    StorageUnavailableError,
    TransientError,
)
from exports.settings import SettingsError
from exports.steps.orchestrations import NotStartedError
from exports.triggers.http import problems
from exports.triggers.http.problems import PROBLEMS, UNAVAILABLE, describe
from shared import http
from shared.problems import ProblemType


def _declared() -> set[ProblemType]:
    return {value for module in (problems, http) for value in vars(module).values() if isinstance(value, ProblemType)}


def test_every_declared_problem_is_in_the_table_once() -> None:
    assert set(PROBLEMS) == _declared()
    assert len(set(PROBLEMS)) == len(PROBLEMS)


def test_every_code_is_unique_and_kebab_case() -> None:
    codes = [problem.code for problem in PROBLEMS]
    assert len(set(codes)) == len(codes)
    assert all(re.fullmatch(r"[a-z]+(-[a-z]+)*", code) for code in codes)


def test_every_problem_has_an_error_status_and_a_title() -> None:
    assert all(400 <= problem.status <= 599 and problem.title for problem in PROBLEMS)


@pytest.mark.parametrize("error", [SourceUnavailableError("It did not answer."), StorageUnavailableError("No answer.")])
def test_a_transient_error_is_a_503_with_retry_after(error: ExportError) -> None:
    problem = describe(error)
    assert problem is not None
    assert problem.kind is UNAVAILABLE
    assert problem.detail == f"{error} Try again soon."
    assert int(problem.headers["Retry-After"]) > 0


@pytest.mark.parametrize(("seconds", "header"), [(None, "5"), (1.5, "2"), (30.0, "30")])
def test_a_503_passes_on_how_long_the_source_asks_to_wait(seconds: float | None, header: str) -> None:
    problem = describe(SourceThrottledError("Too many requests.", seconds))
    assert problem is not None
    assert (problem.detail, problem.headers["Retry-After"]) == ("Too many requests. Try again soon.", header)


def test_a_job_that_could_not_be_started_is_a_503() -> None:
    problem = describe(NotStartedError("The export could not be started."))
    assert problem is not None
    assert problem.kind is UNAVAILABLE


def test_missing_settings_are_a_503_that_does_not_name_them() -> None:
    problem = describe(SettingsError("EXPORT_STORAGE: missing"))
    assert problem is not None
    assert problem.kind is UNAVAILABLE
    assert "EXPORT_STORAGE" not in problem.detail


def test_the_answer_names_the_client_whose_value_cannot_be_written() -> None:
    problem = describe(SourceMismatchError("The column name holds a bad value.", private="The client has the code C1."))

    assert problem is not None
    assert problem.detail == "The column name holds a bad value. The client has the code C1."


@pytest.mark.parametrize("error", [SourceMismatchError("It lacks a column."), SourceRefusedError("It said no.")])
def test_a_client_database_that_cannot_be_exported_is_a_502_with_the_reason(error: ExportError) -> None:
    problem = describe(error)
    assert problem is not None
    assert (problem.kind.status, problem.kind.code, problem.detail) == (502, "source-unusable", str(error))


@pytest.mark.parametrize("error", [ValueError("x"), KeyError("x"), ExportError("x"), PermanentError("x")])
def test_an_unexpected_error_has_no_problem(error: Exception) -> None:
    assert describe(error) is None


def _kinds(base: type[ExportError]) -> set[type[ExportError]]:
    return {base}.union(*(_kinds(kind) for kind in base.__subclasses__()))


def test_every_transient_error_has_its_own_failure_code() -> None:
    kinds = _kinds(TransientError)
    assert len({kind.code for kind in kinds}) == len(kinds)


def test_every_permanent_error_has_its_own_failure_code() -> None:
    replaced = {MissingColumnError, UnreadableValueError}  # a source replaces them, or they fail as their base does
    kinds = _kinds(PermanentError) - replaced
    assert FileMismatchError in kinds
    assert len({kind.code for kind in kinds}) == len(kinds)
