"""Routes of the resources that tenants save under a name: mappings and schedules."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import azure.functions as func

from exports.request.scopes import Scope
from exports.triggers.http.conditional import ETAG, IF_MATCH, IF_NONE_MATCH, NOT_MODIFIED, tagged_response
from exports.triggers.http.problems import PRECONDITION_FAILED
from exports.triggers.http.query import LIST_PARAMETERS
from exports.triggers.http.routes import Call, Reply, TenantRoute
from shared.models import Model
from shared.problems import ProblemType

Handler = Callable[[Call], func.HttpResponse]


@dataclass(frozen=True, slots=True)
class NamedResource:
    """Declares the routes of one kind of resource, which all kinds have alike.

    Attributes:
        noun: The word for one of them in the documentation.
        collection: Path of the list.
        shown: Model of one of them, as the API returns it.
        listed: Model of the list.
        write_scope: The scope that changes need; reading needs `exports:read`.
        not_found: The problem of a code that the tenant does not have.
        not_writable: Further problems of every change to one that exists.
    """

    noun: str
    collection: str
    shown: type[Model]
    listed: type[Model]
    write_scope: Scope
    not_found: ProblemType
    not_writable: Sequence[ProblemType] = ()

    @property
    def item(self) -> str:
        """Path of one of them."""
        return self.collection + "/{code}"

    def list_route(self, handler: Handler, summary: str) -> TenantRoute:
        """Declare the route that lists them."""
        return TenantRoute(
            method="GET",
            path=self.collection,
            handler=handler,
            summary=summary,
            scope=Scope.EXPORTS_READ,
            parameters=LIST_PARAMETERS,
            replies={200: Reply("One part of the list", self.listed)},
        )

    def create_route(
        self, handler: Handler, body: type[Model], problems: Sequence[ProblemType], summary: str, description: str = ""
    ) -> TenantRoute:
        """Declare the route that saves a new one."""
        location = {"Location": f"URL of the {self.noun}"}
        return TenantRoute(
            method="POST",
            path=self.collection,
            handler=handler,
            summary=summary,
            description=description,
            scope=self.write_scope,
            body=body,
            replies={201: Reply(f"The {self.noun}", self.shown, location | ETAG)},
            problems=problems,
        )

    def get_route(self, handler: Handler, summary: str) -> TenantRoute:
        """Declare the route that shows one."""
        return TenantRoute(
            method="GET",
            path=self.item,
            handler=handler,
            summary=summary,
            scope=Scope.EXPORTS_READ,
            parameters=(IF_NONE_MATCH,),
            replies={200: Reply(f"The {self.noun}", self.shown, ETAG), 304: NOT_MODIFIED},
            problems=(self.not_found,),
        )

    def update_route(
        self,
        handler: Handler,
        body: type[Model],
        summary: str,
        description: str = "",
        problems: Sequence[ProblemType] = (),
    ) -> TenantRoute:
        """Declare the route that replaces the content of one, if `If-Match` allows it."""
        return TenantRoute(
            method="PUT",
            path=self.item,
            handler=handler,
            summary=summary,
            description=description,
            scope=self.write_scope,
            body=body,
            parameters=(IF_MATCH,),
            replies={200: Reply(f"The {self.noun}", self.shown, ETAG)},
            problems=(*problems, self.not_found, *self.not_writable, PRECONDITION_FAILED),
        )

    def delete_route(self, handler: Handler, summary: str) -> TenantRoute:
        """Declare the route that deletes one, if `If-Match` allows it."""
        return TenantRoute(
            method="DELETE",
            path=self.item,
            handler=handler,
            summary=summary,
            scope=self.write_scope,
            parameters=(IF_MATCH,),
            replies={204: Reply(f"The {self.noun} is deleted")},
            problems=(self.not_found, *self.not_writable, PRECONDITION_FAILED),
        )


def created_response(call: Call, code: str, shown: Model) -> func.HttpResponse:
    """Build the response to a `POST` that created a resource with this code."""
    return tagged_response(shown, 201, {"Location": f"{call.url}/{code}"})
