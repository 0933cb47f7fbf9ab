"""Every trigger gets its invocation, so that whatever its threads log reaches the log."""

from __future__ import annotations

import inspect

from tests.support.app_functions import app_functions


def test_every_trigger_but_an_orchestrator_takes_its_invocation() -> None:
    lacking = []
    for function in app_functions():
        kinds = {binding.type for binding in function.get_bindings()}
        if (
            "orchestrationTrigger" not in kinds
            and "context" not in inspect.signature(function.get_user_function()).parameters
        ):
            lacking.append(function.get_function_name())
    assert lacking == []
