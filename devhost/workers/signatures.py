"""Checks the signature of a function against its bindings, as the real Functions worker does when it indexes an app.

The rules are those of `functions.py` in azure-functions-python-worker. The SDK that is installed says which annotations
suit a binding.
"""

import inspect
import typing
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from azure.functions import meta
from azure.functions._thirdparty import typing_inspect

from devhost.functions import StartupError

_RETURN = "$return"


@dataclass(frozen=True)
class Signature:
    """What the worker needs to know of a function.

    Attributes:
        wants_context: Whether the function takes a context.
        has_return: Whether one of its bindings takes the result.
    """

    wants_context: bool
    has_return: bool


def check_signature(name: str, call: Callable[..., Any], bindings: Mapping[str, str]) -> Signature:
    """Check a function against its bindings, given as their types by name.

    Raises:
        StartupError: The real worker would refuse the app.
    """
    parameters = set(inspect.signature(call).parameters)
    hints = _resolved_annotations(name, call)
    inputs = {parameter: kind for parameter, kind in bindings.items() if parameter != _RETURN}
    wants_context = "context" in parameters and "context" not in inputs
    if wants_context:
        parameters.discard("context")
        _check_context(name, hints)
    if missing := sorted(set(inputs) - parameters):
        raise _refused(name, f"bindings without a parameter of that name: {', '.join(missing)}")
    if extra := sorted(parameters - set(inputs)):
        raise _refused(name, f"parameters without a binding: {', '.join(extra)}")
    for parameter, kind in inputs.items():
        if parameter in hints:
            _check_input(name, parameter, kind, hints[parameter])
    if _RETURN in bindings and "return" in hints:
        _check_result(name, bindings[_RETURN], hints["return"])
    return Signature(wants_context, _RETURN in bindings or any(map(_has_implicit_output, inputs.values())))


def _resolved_annotations(name: str, call: Callable[..., Any]) -> dict[str, Any]:
    try:
        return typing.get_type_hints(call)
    except Exception as error:
        raise _refused(name, f"its annotations cannot be resolved: {error}") from error


def _check_context(name: str, hints: Mapping[str, Any]) -> None:
    hint = hints.get("context")
    if hint is not None and not (isinstance(hint, type) and hint.__name__ == "Context"):
        raise _refused(name, "its parameter context must be annotated as azure.functions.Context, or not at all")


def _check_input(name: str, parameter: str, kind: str, hint: Any) -> None:
    if not isinstance(hint, type) and not typing_inspect.is_generic_type(hint):  # type: ignore[no-untyped-call]
        raise _refused(name, f"the annotation of {parameter} is not a type: {_text_of(hint)}")
    if hint in (str, bytes) and not _has_implicit_output(kind):
        return  # the worker passes it on as it is
    if not _suits(_converter(kind).check_input_type_annotation, hint):
        raise _refused(name, f"the annotation of {parameter} does not suit its binding {kind}: {_text_of(hint)}")


def _check_result(name: str, kind: str, hint: Any) -> None:
    if not isinstance(hint, type):
        raise _refused(name, f"the annotation of its result is not a type: {_text_of(hint)}")
    if not _suits(_converter(kind).check_output_type_annotation, hint):
        raise _refused(name, f"the annotation of its result does not suit its binding {kind}: {_text_of(hint)}")


def _suits(check: Callable[[Any], bool], hint: Any) -> bool:
    try:
        return check(hint)
    except TypeError:  # a generic type is no class, and the worker fails like this
        return False


def _has_implicit_output(kind: str) -> bool:
    return bool(_converter(kind).has_implicit_output())


def _converter(kind: str) -> Any:
    registry: Any = meta.get_binding_registry
    return registry().get(kind)


def _text_of(hint: Any) -> str:
    return hint.__name__ if isinstance(hint, type) else str(hint)


def _refused(name: str, reason: str) -> StartupError:
    return StartupError(f"function {name!r}: {reason}")
