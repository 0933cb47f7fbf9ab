"""Descriptions of the app's functions. Workers send them to the host, which never imports the app itself."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Literal

Kind = Literal["http", "timer", "activity", "orchestrator"]


class StartupError(Exception):
    """The host cannot start. The text tells the user why."""


@dataclass(frozen=True)
class FunctionInfo:
    """One function, as a worker describes it.

    Attributes:
        durable_name: The name under which orchestrations call it (activities and orchestrators only).
        trigger: Name of the parameter that receives the trigger.
        client: Name of the parameter that receives the durable client, if there is one.
        methods: The HTTP methods that it answers; empty means all.
        retry: The function-level retry policy as declared. As in production, it works for timers only.
    """

    name: str
    kind: Kind
    durable_name: str
    trigger: str
    client: str | None = None
    wants_context: bool = False
    route: str = ""
    methods: tuple[str, ...] = ()
    schedule: str = ""
    run_on_startup: bool = False
    retry: dict[str, str] | None = None


class FunctionTable:
    """All functions of the app. Lookups of durable names ignore case."""

    def __init__(self, functions: list[FunctionInfo]) -> None:
        self.functions = functions
        self._durable = {(f.kind, f.durable_name.lower()): f for f in functions}

    @classmethod
    def from_wire(cls, items: list[dict[str, Any]]) -> "FunctionTable":
        return cls([FunctionInfo(**{**item, "methods": tuple(item["methods"])}) for item in items])

    def without(self, is_disabled: Callable[[str], bool]) -> "FunctionTable":
        """Return the table without the functions whose names are disabled."""
        return FunctionTable([function for function in self.functions if not is_disabled(function.name)])

    def of_kind(self, kind: Kind) -> list[FunctionInfo]:
        return [f for f in self.functions if f.kind == kind]

    def activity(self, name: str) -> FunctionInfo | None:
        return self._durable.get(("activity", name.lower()))

    def orchestrator(self, name: str) -> FunctionInfo | None:
        return self._durable.get(("orchestrator", name.lower()))
