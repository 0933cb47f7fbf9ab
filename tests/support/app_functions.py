"""The functions of the app. The SDK gives them once a process, and refuses the second time because all names repeat."""

from __future__ import annotations

import functools
from typing import Any

import function_app


@functools.cache
def app_functions() -> tuple[Any, ...]:
    """Return the functions of `function_app`, the same in every call."""
    return tuple(function_app.app.get_functions())


def timer_names() -> list[str]:
    """Return the names of the timer triggers of the app."""
    return [str(each.get_function_name()) for each in app_functions() if each.get_trigger().type == "timerTrigger"]
