"""Imports function_app.py in a worker, and describes its functions as the real Functions worker indexes them."""

import importlib
import inspect
import json
import os
import sys
import traceback
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from types import ModuleType
from typing import Any

import azure.functions as func

from devhost.functions import FunctionInfo, Kind, StartupError
from devhost.workers.signatures import check_signature

_KINDS: dict[str, Kind] = {
    "httpTrigger": "http",
    "timerTrigger": "timer",
    "activityTrigger": "activity",
    "orchestrationTrigger": "orchestrator",
}
_SUPPORTED_BINDINGS = {*_KINDS, "http", "durableClient"}


@dataclass(frozen=True)
class LoadedFunction:
    """A function of the app. `has_return` says whether one of its bindings takes the result."""

    info: FunctionInfo
    call: Callable[..., Any]
    is_async: bool
    has_return: bool = True


def load_app(root: Path) -> dict[str, LoadedFunction]:
    """Import the app in `root`, make `root` the working directory, and return the functions by name.

    Raises:
        StartupError: The app cannot be imported or indexed, or uses a feature that this host does not support.
    """
    os.chdir(root)
    sys.path.insert(0, str(root))
    module = _import_app(os.environ.get("PYTHON_SCRIPT_FILE_NAME", "function_app.py"))
    try:
        functions = _register(module).get_functions()
    except ValueError as error:
        msg = f"{module.__name__}: {error}"
        raise StartupError(msg) from error
    loaded = [_describe(function) for function in functions]
    return {function.info.name: function for function in loaded}


def _import_app(script: str) -> ModuleType:
    if not Path(script).exists():
        msg = f"no {script} in {Path.cwd()}"
        raise StartupError(msg)
    try:
        return importlib.import_module(Path(script).stem)
    except BaseException as error:
        msg = f"cannot import {script}:\n{traceback.format_exc().strip()}"
        raise StartupError(msg) from error


def _register(module: ModuleType) -> Any:
    found = {id(value): value for value in vars(module).values() if isinstance(value, func.FunctionRegister)}
    if len(found) != 1:
        msg = f"{module.__name__} must define exactly one function app, it defines {len(found)}"
        raise StartupError(msg)
    return found.popitem()[1]


def _describe(function: Any) -> LoadedFunction:
    name = function.get_function_name()
    bindings = [json.loads(text) for text in function.get_raw_bindings()]
    unsupported = sorted({b["type"] for b in bindings} - _SUPPORTED_BINDINGS)
    if unsupported:
        msg = f"function {name!r} uses {', '.join(unsupported)}, which this host does not support"
        raise StartupError(msg)
    trigger = next((b for b in bindings if b["type"] in _KINDS), None)
    if trigger is None:
        msg = f"function {name!r} has no trigger"
        raise StartupError(msg)
    call = function.get_user_function()
    signature = check_signature(name, call, {binding["name"]: binding["type"] for binding in bindings})
    info = FunctionInfo(
        name=name,
        kind=_KINDS[trigger["type"]],
        durable_name=trigger.get("activity") or trigger.get("orchestration") or name,
        trigger=trigger["name"],
        client=next((b["name"] for b in bindings if b["type"] == "durableClient"), None),
        wants_context=signature.wants_context,
        route=trigger.get("route") or name,
        methods=tuple(str(method).upper() for method in trigger.get("methods") or ()),
        schedule=trigger.get("schedule", ""),
        run_on_startup=bool(trigger.get("runOnStartup")),
        retry=function.get_settings_dict("retry_policy"),
    )
    return LoadedFunction(info, call, inspect.iscoroutinefunction(call), signature.has_return)
