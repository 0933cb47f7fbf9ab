"""What the host knows about a function of the app; the app itself lives in the workers only."""

from dataclasses import dataclass
from typing import Any, Literal

Kind = Literal["http", "timer", "activity", "orchestrator"]


class StartupError(Exception):
    """The host cannot start; the text is for the person who started it."""


@dataclass(frozen=True)
class FunctionInfo:
    """One function, as a worker reports it.

    Attributes:
        durable_name: Name by which orchestrations call it (activities and orchestrators).
        trigger: Name of the parameter that takes the trigger.
        client: Name of the parameter that takes the durable client, if any.
        methods: HTTP methods; empty means all.
        retry: The function-level retry policy as declared, honoured for timers only (as in production).
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
    """All functions of the app; durable names are looked up regardless of case."""

    def __init__(self, functions: list[FunctionInfo]) -> None:
        self.functions = functions
        self._durable = {(f.kind, f.durable_name.lower()): f for f in functions}

    @classmethod
    def from_wire(cls, items: list[dict[str, Any]]) -> "FunctionTable":
        return cls([FunctionInfo(**{**item, "methods": tuple(item["methods"])}) for item in items])

    def of_kind(self, kind: Kind) -> list[FunctionInfo]:
        return [f for f in self.functions if f.kind == kind]

    def activity(self, name: str) -> FunctionInfo | None:
        return self._durable.get(("activity", name.lower()))

    def orchestrator(self, name: str) -> FunctionInfo | None:
        return self._durable.get(("orchestrator", name.lower()))
