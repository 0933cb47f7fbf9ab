"""Defines problem details for HTTP (RFC 9457), which tell the caller what is wrong and how to correct it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from shared.models import Model, OptionalField

DOCS_PREFIX = "/docs#problem-"
"""Relative reference to the documentation of a problem type; its code follows."""

MAX_FAULTS = 1000
"""How many faults an answer describes: as many as the longest list has entries. A small body can have far more."""


@dataclass(frozen=True, slots=True)
class ProblemType:
    """A kind of problem: one row of a service's problem table.

    Attributes:
        code: Stable identifier for programs, in kebab-case.
        title: The same text for every occurrence.
    """

    code: str
    status: int
    title: str


class Fault(Model):
    """One fault of a request.

    Attributes:
        pointer: JSON pointer (RFC 6901) into the body; empty for the body as a whole.
        detail: Says what is wrong and what to change, in English.
        code: Stable identifier of the kind of fault, for programs that say the same in another language.
        values: What the sentence of the kind names, such as the known values. Absent if it names nothing.
    """

    pointer: str
    detail: str
    code: OptionalField[str] = None
    values: OptionalField[dict[str, str]] = None

    def __hash__(self) -> int:
        """Hash the fault by its content. `values` has no hash of its own, and nobody changes it."""
        return hash((self.pointer, self.detail, self.code, frozenset((self.values or {}).items())))

    def inside(self, outer: str) -> Fault:
        """Return the same fault of a body that is a part of another body, at the pointer `outer`."""
        return self.model_copy(update={"pointer": f"{outer}{self.pointer}"})


class ProblemError(Exception):
    """Ends a request with a problem document. The caller sees its texts."""

    def __init__(
        self,
        kind: ProblemType,
        detail: str,
        faults: Sequence[Fault] = (),
        headers: Mapping[str, str] | None = None,
    ) -> None:
        super().__init__(f"{kind.code}: {detail}")
        self.kind = kind
        self.detail = detail
        self.faults = tuple(faults)
        self.headers = dict(headers or {})

    def document(self, instance: str | None = None, request: str | None = None, base: str = "") -> dict[str, Any]:
        """Return the members of the problem document.

        Args:
            instance: URI reference of this occurrence, for example the path of the request.
            request: The id of the request.
            base: Where the service is reached, without a slash at the end; empty: the type is a relative reference.
        """
        document: dict[str, Any] = {
            "type": f"{base}{DOCS_PREFIX}{self.kind.code}",
            "title": self.kind.title,
            "status": self.kind.status,
            "detail": self.detail,
            "code": self.kind.code,
        }
        if instance is not None:
            document["instance"] = instance
        if request is not None:
            document["requestId"] = request
        if self.faults:
            document["errors"] = [fault.model_dump(mode="json") for fault in self.faults]
        return document


def pointer(*path: str | int) -> str:
    """Build a JSON pointer (RFC 6901) from names and indexes."""
    return "".join("/" + str(part).replace("~", "~0").replace("/", "~1") for part in path)
