"""A fake client of Durable Functions that stores orchestrations and never runs them."""

from __future__ import annotations

from datetime import datetime
from threading import Lock
from typing import Any

from azure.durable_functions import OrchestrationRuntimeStatus
from azure.durable_functions.models.DurableOrchestrationStatus import DurableOrchestrationStatus

from tests.support.builders import NOON
from tests.support.hooks import Hook, do_nothing


class RecordingStarter:
    """Records the orchestrations that are started. `before_start` runs before each start and may raise."""

    def __init__(self) -> None:
        self.started: list[tuple[str, str | None, Any]] = []
        self.before_start: Hook = do_nothing

    async def start_new(
        self, orchestration_function_name: str, instance_id: str | None = None, client_input: Any = None
    ) -> str:
        self.before_start()
        self.started.append((orchestration_function_name, instance_id, client_input))
        return instance_id or ""

    async def get_status(self, instance_id: str) -> bool:
        """Return whether the instance exists. The real client returns an object that is true if it exists."""
        return any(instance == instance_id for _, instance, _ in self.started)


class MemoryOrchestrationClient(RecordingStarter):
    """Stores orchestrations as Durable Functions does: an id only once, and a status until it is purged."""

    def __init__(self) -> None:
        super().__init__()
        self._lock = Lock()
        self.statuses: dict[str, OrchestrationRuntimeStatus] = {}
        self.moved: datetime = NOON

    async def start_new(
        self, orchestration_function_name: str, instance_id: str | None = None, client_input: Any = None
    ) -> str:
        assert instance_id is not None
        with self._lock:  # several threads may each have a loop of their own
            if instance_id in self.statuses:
                raise RuntimeError("An orchestration of this id exists.")
            started = await super().start_new(orchestration_function_name, instance_id, client_input)
            self.statuses[instance_id] = OrchestrationRuntimeStatus.Pending
        return started

    async def get_status(self, instance_id: str) -> DurableOrchestrationStatus:
        if instance_id not in self.statuses:
            return DurableOrchestrationStatus()
        status, moment = self.statuses[instance_id], self.moved.isoformat()
        return DurableOrchestrationStatus(createdTime=moment, lastUpdatedTime=moment, runtimeStatus=status)

    async def terminate(self, instance_id: str, reason: str) -> None:
        assert reason
        self.statuses[instance_id] = OrchestrationRuntimeStatus.Terminated

    async def purge_instance_history(self, instance_id: str) -> None:
        self.statuses.pop(instance_id)
