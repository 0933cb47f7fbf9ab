"""Port: the client of Durable Functions.

The protocols name the methods of `azure.durable_functions.DurableOrchestrationClient` that the service uses. The SDK
has no types of its own.
"""

from __future__ import annotations

from datetime import datetime
from typing import Any, Protocol


class OrchestrationStarter(Protocol):
    """Starts orchestrations and reads their status."""

    async def start_new(
        self, orchestration_function_name: str, instance_id: str | None = None, client_input: Any = None
    ) -> str:
        """Start an orchestration and return its instance id."""

    async def get_status(self, instance_id: str) -> Any:
        """Return the status of an orchestration; the status is falsy if there is no such orchestration."""


class OrchestrationClient(OrchestrationStarter, Protocol):
    """Also ends orchestrations and purges their history."""

    async def terminate(self, instance_id: str, reason: str) -> None:
        """Terminate a running orchestration."""

    async def purge_instance_history(self, instance_id: str) -> Any:
        """Delete the history of one orchestration that has ended."""


class HistoryPurger(Protocol):
    """Purges the history of many orchestrations at once."""

    async def purge_instance_history_by(
        self, created_time_from: datetime, created_time_to: datetime, runtime_status: list[Any]
    ) -> Any:
        """Delete the histories of the orchestrations that were created between two moments and have such a status."""
