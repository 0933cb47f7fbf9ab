"""Every fault that a request can have is of a kind, so that a client can say it in another language."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from pathlib import Path
from typing import get_args

import pytest
from pydantic import ValidationError
from pydantic_core import PydanticCustomError, core_schema

from exports.request.faults import FAULT_KINDS
from exports.schedules.body import SaveScheduleDto
from shared.faults import FaultKind, faults_of

ROOT = Path(__file__).parents[2]
CODES = {kind.code for kind in FAULT_KINDS}
OF_SETTINGS = {
    "exports/settings.py",
    "exports/notifications/mail_settings.py",
    "exports/request/public_url.py",
    "exports/request/tenant_names.py",
    "exports/request/token_access.py",
    "exports/request/token_settings.py",
    "exports/request/view_name.py",
}
"""Modules whose validators check settings. Operators read their errors, in English."""


def calls_of(name: str) -> Iterator[tuple[str, ast.Call]]:
    """Yield each call of a function or class in the source, with its file."""
    for file in [*(ROOT / "exports").rglob("*.py"), *(ROOT / "shared").rglob("*.py")]:
        for node in ast.walk(ast.parse(file.read_text(encoding="utf-8"))):
            if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id == name:
                yield file.relative_to(ROOT).as_posix(), node


def literal(call: ast.Call) -> str:
    assert isinstance(call.args[0], ast.Constant), ast.unparse(call)
    return str(call.args[0].value)


def test_every_kind_of_fault_in_the_code_is_in_the_table_once() -> None:
    named = [literal(call) for _, call in calls_of("FaultKind")]

    assert sorted(named) == sorted(CODES)
    assert len(FAULT_KINDS) == len(CODES)


def test_every_fault_is_made_by_its_kind() -> None:
    assert {file for file, _ in calls_of("Fault")} == {"shared/faults.py"}


def test_every_error_of_a_validator_of_requests_is_of_a_kind() -> None:
    raised = {
        literal(call).replace("_", "-")
        for file, call in calls_of("PydanticCustomError")
        if file not in {*OF_SETTINGS, "shared/faults.py"}
    }

    assert raised <= CODES


@pytest.mark.parametrize("kind", FAULT_KINDS, ids=lambda kind: kind.code)
def test_a_kind_says_the_same_from_a_step_and_from_a_validator(kind: FaultKind) -> None:
    used = dict.fromkeys(re.findall(r"\{(\w+)\}", kind.sentence), "x")
    error = ValidationError.from_exception_data("", [{"type": kind.error(**used), "loc": ("a", 0), "input": None}])

    (fault,) = faults_of(error.errors())
    made = kind.at("/a/0", **used)
    assert (fault.pointer, fault.code, fault.values) == (made.pointer, made.code, made.values)
    assert fault.detail == made.detail


def test_a_fault_has_its_code_and_the_values_of_its_sentence() -> None:
    with pytest.raises(ValidationError) as raised:
        SaveScheduleDto.model_validate_json('{"name": "n", "cron": "61 * * * *", "request": {"filter": {"search": 1}}}')

    found = {fault.pointer: (fault.code, fault.values) for fault in faults_of(raised.value.errors())}
    assert found == {"/cron": ("cron-minute", {"given": "61"}), "/request/filter/search": ("not-a-string", None)}


def test_no_code_of_a_fault_is_an_error_of_pydantic() -> None:
    assert {kind.code for kind in FAULT_KINDS}.isdisjoint(get_args(core_schema.ErrorType))
    assert isinstance(FAULT_KINDS[0].error(), PydanticCustomError)
