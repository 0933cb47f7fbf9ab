"""Declarations of HTTP routes: each is declared once; that registers it, names it in 405 answers and documents it."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from exports.request.scopes import Scope
from shared.models import Model
from shared.problems import ProblemType

TENANT_PREFIX = "tenants/{tenant}/"


@dataclass(frozen=True, slots=True)
class Parameter:
    """A parameter in the query or the headers.

    Attributes:
        place: `query` or `header`.
        schema: JSON Schema of the value.
    """

    name: str
    place: str
    description: str
    schema: Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Reply:
    """A successful answer: what it means, its body, its headers by name with their meaning.

    Attributes:
        schema: JSON Schema of a body that is no model.
    """

    meaning: str
    body: type[Model] | None = None
    headers: Mapping[str, str] = field(default_factory=dict)
    media_type: str = "application/json"
    schema: Mapping[str, Any] | None = None


@dataclass(frozen=True, slots=True)
class Route:
    """One route, as it is registered and documented.

    Attributes:
        name: Name of the function, and of the operation.
        path: Template without a leading slash, without the tenant; empty for the root.
        scope: What the caller's key must allow; None: open to everyone, and without a form by tenant.
        body: Model of the JSON body, if it takes one.
        replies: Successful answers by status.
        problems: What else it answers, beside what every route of its kind does.
        description: What the summary has no room for.
    """

    name: str
    method: str
    path: str
    summary: str
    scope: Scope | None
    replies: Mapping[int, Reply]
    problems: Sequence[ProblemType] = ()
    body: type[Model] | None = None
    parameters: Sequence[Parameter] = ()
    description: str = ""

    @property
    def forms(self) -> tuple[tuple[str, str], ...]:
        """Function name and path template of each form: the short one, and the one that names the tenant."""
        if self.scope is None:
            return ((self.name, self.path),)
        return (self.name, self.path), (f"{self.name}_of_tenant", TENANT_PREFIX + self.path)


def allowed_methods(routes: Iterable[Route], path: str) -> list[str]:
    """Name the methods that the routes offer at a path (without a leading slash).

    Where a path is one of a route and could be a code of another too, it is the former.
    """
    found = [
        (template.count("{"), route.method)
        for route in routes
        for _, template in route.forms
        if _matches(template, path)
    ]
    fewest = min((parameters for parameters, _ in found), default=0)
    return sorted({method for parameters, method in found if parameters == fewest})


def hiding_paths(routes: Sequence[Route]) -> list[tuple[str, str, list[str]]]:
    """Find paths that could be codes of another route, such as `…/csv/estimate` beside `…/csv/{code}`; and the root.

    Returns:
        Name, path and methods of each; with its other methods a host would take it for a code, or for no route at all.
    """
    templates = {template for route in routes for _, template in route.forms}
    return [
        (name, template, allowed_methods(routes, template))
        for route in routes
        for name, template in route.forms
        if not template or any(other != template and _matches(other, template) for other in templates)
    ]


def _matches(template: str, path: str) -> bool:
    pattern = re.sub(r"\\\{\w+\\\}", "[^/]+", re.escape(template))
    return re.fullmatch(pattern, path, re.IGNORECASE) is not None
