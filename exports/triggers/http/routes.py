"""Declarations of HTTP routes.

Each route is declared once. Its triggers, its part in 405 answers and its documentation are derived from that.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Coroutine, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, TypeVar
from urllib.parse import urlsplit

import azure.functions as func

from exports.ports.orchestrations import OrchestrationStarter
from exports.request.identity import Identity
from exports.request.public_url import public_address
from exports.request.scopes import Scope
from exports.services import ServiceProvider, Services
from exports.steps.upkeep.health_cache import HealthCache
from exports.triggers.http.access import Caller
from shared.http import read_body
from shared.models import Model
from shared.problems import ProblemType

MAX_BODY_BYTES = 64 * 1024
TENANT_PREFIX = "tenants/{tenant}/"
M = TypeVar("M", bound=Model)
PageOfProblem = Callable[[func.HttpRequest, func.HttpResponse], func.HttpResponse]
"""Turns a problem into a page, if a browser is to show it; returns every other answer as it is."""


@dataclass(frozen=True, slots=True)
class Parameter:
    """A parameter in the query or the headers.

    Attributes:
        location: `query` or `header`.
        schema: JSON Schema of the value.
    """

    name: str
    location: str
    description: str
    schema: Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Reply:
    """A successful answer.

    Attributes:
        meaning: What the answer says, for the documentation.
        body: Model of the body.
        headers: The meaning of each header, by its name.
        schema: JSON Schema of a body that has no model.
        is_stored: Whether the body is a stored document, which an earlier version may have written.
    """

    meaning: str
    body: type[Model] | None = None
    headers: Mapping[str, str] = field(default_factory=dict)
    media_type: str = "application/json"
    schema: Mapping[str, Any] | None = None
    is_stored: bool = False


@dataclass(frozen=True, slots=True)
class Call:
    """A request whose caller is authorised."""

    req: func.HttpRequest
    services: Services
    caller: Caller

    @property
    def tenant(self) -> str:
        """The tenant that the request is for."""
        return self.caller.tenant

    @property
    def code(self) -> str:
        """The code in the path."""
        return str(self.req.route_params["code"])

    @property
    def url(self) -> str:
        """The URL of the request without its query, as callers reach it."""
        url: str = self.req.url
        url = url.partition("?")[0].rstrip("/")
        settings = self.services.settings
        public = public_address(self.req.headers, settings.public_url, settings.forwarded_hosts)
        return f"{public}{urlsplit(url).path}" if public else url

    def parse_body(self, model: type[M]) -> M:
        """Parse the JSON body.

        Raises:
            ProblemError: 411, 413, 415 or 400, as `read_body`.
        """
        return read_body(self.req, model, MAX_BODY_BYTES)


@dataclass(frozen=True, slots=True)
class CallerCall:
    """A request of a caller whose key or token is valid, whatever that opens."""

    req: func.HttpRequest
    services: Services
    identity: Identity


@dataclass(frozen=True, slots=True, eq=False)
class Api:
    """The API as a whole, for the routes that need no key: its services, all of its routes, and the last health."""

    provide: ServiceProvider
    routes: Sequence[Route]
    page_of_problem: PageOfProblem = lambda _, answer: answer
    health: HealthCache = field(default_factory=HealthCache)

    def public_url(self) -> str:
        """Return the address at which callers reach the service; empty if the settings name none, or are wrong."""
        try:
            return self.provide().settings.public_url
        except Exception:  # it is asked for while another error is answered
            return ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Route:
    """One route, as it is registered and documented. Declare one of its subclasses.

    Attributes:
        path: Template without a leading slash and without the tenant; empty for the root.
        handler: Answers the request. Its name is the name of the function, and of the operation in the documentation:
            a deployed name, so it stays.
        summary: One line for the documentation.
        scope: What the caller's key must allow; None if the route needs no scope.
        replies: Successful answers by status.
        problems: The problems it can answer with, beside those that every route of its kind has.
        body: Model of the JSON body, if it takes one.
        description: What the summary has no room for.
    """

    method: str
    path: str
    handler: Callable[..., Any]
    summary: str
    scope: Scope | None
    replies: Mapping[int, Reply]
    problems: Sequence[ProblemType] = ()
    body: type[Model] | None = None
    parameters: Sequence[Parameter] = ()
    description: str = ""

    @property
    def name(self) -> str:
        """Name of the function, and of the operation."""
        return self.handler.__name__

    @property
    def needs_caller(self) -> bool:
        """Whether the route needs an API key or access token."""
        return self.scope is not None

    @property
    def forms(self) -> tuple[tuple[str, str], ...]:
        """Function name and path template of each form: the short one, and the one that names the tenant."""
        if self.scope is None:
            return ((self.name, self.path),)
        return (self.name, self.path), (f"{self.name}_of_tenant", TENANT_PREFIX + self.path)


@dataclass(frozen=True, slots=True, kw_only=True)
class TenantRoute(Route):
    """A route to the data of a tenant. Its handler runs in a worker's thread, so it may block.

    Attributes:
        opens_in_browser: Whether people open its address in a browser. Then a browser gets its problems as a page.
    """

    handler: Callable[[Call], func.HttpResponse]
    scope: Scope
    opens_in_browser: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class StartingRoute(Route):
    """A route that starts orchestrations of a tenant. Its handler runs on the event loop, so it must not block."""

    handler: Callable[[Call, OrchestrationStarter], Coroutine[Any, Any, func.HttpResponse]]
    scope: Scope


@dataclass(frozen=True, slots=True, kw_only=True)
class CallerRoute(Route):
    """A route for every caller whose key or token is valid. It exists only without a tenant, and may block."""

    handler: Callable[[CallerCall], func.HttpResponse]
    scope: None = None

    @property
    def needs_caller(self) -> bool:
        """Whether the route needs an API key or access token."""
        return True


@dataclass(frozen=True, slots=True, kw_only=True)
class OpenRoute(Route):
    """A route that needs no API key, and so exists only without a tenant."""

    handler: Callable[[func.HttpRequest, Api], func.HttpResponse]
    scope: None = None


def allowed_methods(routes: Iterable[Route], path: str) -> list[str]:
    """Return the methods that the routes offer at a path (without a leading slash).

    If several templates match, the one with the fewest parameters wins: `…/csv/estimate` is the estimate, not a job
    with the code `estimate`.
    """
    found = [
        (template.count("{"), route.method)
        for route in routes
        for _, template in route.forms
        if _matches(template, path)
    ]
    fewest = min((parameters for parameters, _ in found), default=0)
    return sorted({method for parameters, method in found if parameters == fewest})


def shadowing_paths(routes: Sequence[Route]) -> list[tuple[str, str, list[str]]]:
    """Find the root, and the paths that also match another route, as `…/csv/estimate` matches `…/csv/{code}`.

    For the other methods at such a path a host would call the other route, or find no route at all.

    Returns:
        Name, path template and methods of each.
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
