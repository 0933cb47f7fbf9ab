"""Named resources over HTTP."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from tests.support.http_client import Response
from tests.support.system import HARBOUR, System


@dataclass(frozen=True)
class Collection:
    """A collection of named resources of one kind.

    Attributes:
        path: The path that names no tenant.
        body: The body of a request that creates a resource.
    """

    path: str
    body: Mapping[str, Any]

    def of(self, tenant: str) -> str:
        """Return the path that names the tenant."""
        return f"/tenants/{tenant}{self.path}"

    def create(self, system: System, tenant: str = HARBOUR, **changes: Any) -> Response:
        """Create a resource and return the response."""
        response = system.call("POST", self.of(tenant), {**self.body, **changes})
        assert response.status == 201, response
        return response
