"""Defines problem details for HTTP (RFC 9457), which tell the caller what is wrong and how to correct it."""

from __future__ import annotations

import difflib
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from pydantic_core import ErrorDetails

from shared.models import Model

DOCS_PREFIX = "/docs#problem-"
"""Relative reference to the documentation of a problem type; its code follows."""


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
        detail: Says what is wrong and what to change.
    """

    pointer: str
    detail: str


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


def faults_of(errors: Sequence[ErrorDetails]) -> list[Fault]:
    """Convert the errors of a pydantic validation into faults of the validated body.

    A list whose items are all invalid is reported by pydantic as too short as well. That second error is left out.
    """
    faulty = {error["loc"] for error in errors}
    return [
        Fault(pointer=pointer(*error["loc"]), detail=_sentence(error))
        for error in errors
        if error["type"] != "too_short" or not any(_is_inside(loc, error["loc"]) for loc in faulty)
    ]


def _is_inside(inner: tuple[str | int, ...], outer: tuple[str | int, ...]) -> bool:
    return len(inner) > len(outer) and inner[: len(outer)] == outer


def pointer(*path: str | int) -> str:
    """Build a JSON pointer (RFC 6901) from names and indexes."""
    return "".join("/" + str(part).replace("~", "~0").replace("/", "~1") for part in path)


_FEW = 10
_SENTENCES = {
    "extra_forbidden": "There is no property of this name here; remove it or correct its spelling.",
    "missing": "This property is required.",
    "model_type": "This must be an object.",
    "model_attributes_type": "This must be an object.",
    "tuple_type": "This must be an array.",
    "too_short": "This must not be empty.",
    "string_type": "This must be a string.",
    "bool_type": "This must be true or false.",
    "string_too_short": "This must not be empty.",
}


def _sentence(error: ErrorDetails) -> str:
    if error["type"] == "enum":
        return _unknown_value(error.get("input"), re.findall(r"'([^']*)'", error["ctx"]["expected"]))
    if error["type"] == "string_too_long":
        return f"This may have {error['ctx']['max_length']:,} characters at most."
    if error["type"] == "too_long":
        return f"This may have {error['ctx']['max_length']:,} entries at most."
    return _SENTENCES.get(error["type"]) or f"{error['msg'].rstrip('.')}."


def _unknown_value(value: object, known: list[str]) -> str:
    """Suggest the nearest of the known values if there are many, else list them all."""
    near = difflib.get_close_matches(str(value), known, n=3)
    if len(known) > _FEW and not near:
        return f"This is none of the {len(known)} known values, which the documentation lists."
    offered = ", ".join(near if len(known) > _FEW else known)
    return f"This is not a known value; did you mean {offered}?" if near else f"This must be one of {offered}."
