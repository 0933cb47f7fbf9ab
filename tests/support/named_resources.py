"""Things that tenants save, over HTTP."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from tests.support.http_client import Response
from tests.support.system import HARBOUR, System


@dataclass(frozen=True)
class Collection:
    """Where things of a kind are saved, by the short path, and what a usual one says."""

    path: str
    body: Mapping[str, Any]

    def of(self, tenant: str) -> str:
        """The path that names the tenant."""
        return f"/tenants/{tenant}{self.path}"

    def saved(self, system: System, tenant: str = HARBOUR, **changes: Any) -> Response:
        """Save one; the answer."""
        answer = system.call("POST", self.of(tenant), {**self.body, **changes})
        assert answer.status == 201, answer
        return answer
