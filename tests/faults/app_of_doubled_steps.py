"""The real function app, but every activity runs twice, as a host that lost a completion makes it run."""

from __future__ import annotations

import importlib.util
import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

from exports.triggers import export_activities

_run_once = export_activities.run_step


def _run_twice(provide: Any, step: Callable[..., Any], order: Any, payload: Any) -> Any:
    _run_once(provide, step, order, payload)
    return _run_once(provide, step, order, payload)


export_activities.run_step = _run_twice

_file = Path(os.environ["REAL_FUNCTION_APP"])
_spec = importlib.util.spec_from_file_location("real_function_app", _file)
assert _spec is not None
assert _spec.loader is not None
_module = importlib.util.module_from_spec(_spec)
_spec.loader.exec_module(_module)
app = _module.app
