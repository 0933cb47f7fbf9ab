"""No class overrides a private method of a library: another version of the library may no longer call it."""

from __future__ import annotations

import importlib
import inspect
import pkgutil
from collections.abc import Iterator

import exports
import shared

OURS = ("exports", "shared")


def classes() -> Iterator[type]:
    """Yield every class of the app."""
    for package in (exports, shared):
        for found in pkgutil.walk_packages(package.__path__, f"{package.__name__}."):
            if found.name.endswith("__main__"):
                continue
            module = importlib.import_module(found.name)
            yield from (
                each for _, each in inspect.getmembers(module, inspect.isclass) if each.__module__ == found.name
            )


def overridden(kind: type) -> list[str]:
    """Return the private methods of other packages that a class overrides."""
    others = [base for base in kind.__mro__[1:] if base.__module__.partition(".")[0] not in OURS]
    own = [name for name, each in vars(kind).items() if inspect.isfunction(each) and each.__module__ == kind.__module__]
    private = [name for name in own if name.startswith("_") and not name.startswith("__")]
    return [name for name in private if any(inspect.isroutine(vars(base).get(name)) for base in others)]


def test_no_class_overrides_a_private_method_of_a_library() -> None:
    found = {f"{kind.__module__}.{kind.__qualname__}": overridden(kind) for kind in classes()}
    assert len(found) > 300
    assert {name: methods for name, methods in found.items() if methods} == {}


def test_a_private_method_of_a_library_that_is_overridden_is_found() -> None:
    class Server:
        def _serve(self) -> None: ...

    Server.__module__ = "library"
    assert overridden(type("Ours", (Server,), {"_serve": lambda self: None, "_own": lambda self: None})) == ["_serve"]
