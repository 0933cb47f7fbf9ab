"""Reads answers of the service as models. What has another form is told as an error, not met later as a wrong type."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import is_dataclass
from functools import cache
from types import UnionType
from typing import Any, TypeVar, get_args, get_origin, get_type_hints

from client_export.errors import Problem, ServiceError
from client_export.models import Json
from client_export.steps import Answer

T = TypeVar("T")

_OTHER_FORM = (
    "The answer has a form that this client does not know. Check the address; if it is that of the export service, "
    "install the client that matches the version of the service."
)


def read(answer: Answer, model: Callable[[Json], T]) -> T:
    """Read the body of an answer.

    Raises:
        ServiceError: It has not the form of the model.
    """
    try:
        return _checked(model(answer.json))
    except (KeyError, TypeError, AttributeError, ValueError):
        raise ServiceError(Problem(answer.status, "unknown", f"HTTP {answer.status}", _OTHER_FORM)) from None


def items(document: Json, model: Callable[[Json], T]) -> tuple[T, ...]:
    """Read the items of a list.

    Raises:
        KeyError, TypeError, AttributeError, ValueError: There is no list, or an item has not the form of the model.
    """
    data = document["data"]
    if not isinstance(data, list):
        raise TypeError("The items are not a list.")
    return tuple(_checked(model(each)) for each in data)


def _checked(found: T) -> T:
    if not _is(found, type(found)):
        raise TypeError("A field has another type.")
    return found


def _is(value: Any, wanted: Any) -> bool:
    """Return whether a value has a type, down to the fields of models and the values of tuples."""
    origin, arguments = get_origin(wanted), get_args(wanted)
    if wanted is Any or isinstance(wanted, TypeVar):
        return True
    if origin is UnionType:
        return any(_is(value, each) for each in arguments)
    if origin is tuple and arguments[1:] == (...,):
        return isinstance(value, tuple) and all(_is(each, arguments[0]) for each in value)
    if origin is tuple:
        fits = isinstance(value, tuple) and len(value) == len(arguments)
        return fits and all(map(_is, value, arguments))
    if origin is not None:
        return isinstance(value, origin)
    if wanted in (int, float):
        return not isinstance(value, bool) and isinstance(value, (int, wanted))
    return isinstance(value, wanted) and all(_is(getattr(value, name), kind) for name, kind in _fields(wanted))


@cache
def _fields(model: type) -> tuple[tuple[str, Any], ...]:
    return tuple(get_type_hints(model).items()) if is_dataclass(model) else ()
