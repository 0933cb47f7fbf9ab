"""Timer trigger: the work of every minute. It is one function, because the plan starts an instance for each timer."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable
from functools import partial
from typing import Protocol

import azure.durable_functions as df
import azure.functions as func
from azure.durable_functions import OrchestrationRuntimeStatus as Status

from exports.ports.orchestrations import HistoryPurger, OrchestrationClient
from exports.services import ServiceProvider
from exports.steps.schedules.run_schedules import run_schedules
from exports.steps.upkeep.apply_retention import apply_retention
from exports.steps.upkeep.sweep_histories import sweep_histories
from exports.steps.upkeep.sweep_orphans import sweep_orphans
from exports.steps.upkeep.watch_jobs import watch_jobs
from shared.invocations import with_invocation

EVERY_MINUTE = "0 * * * * *"
"""As NCRONTAB: second, minute, hour, day, month, day of the week."""

_ENDED = [Status.Completed, Status.Failed, Status.Terminated, Status.Canceled]


class TickClient(OrchestrationClient, HistoryPurger, Protocol):
    """What the work of a minute needs of Durable Functions."""


def tick_timer(provide: ServiceProvider) -> df.Blueprint:
    """Build the timer trigger of schedules, watchdog, retention and sweeps."""
    blueprint = df.Blueprint()

    @blueprint.timer_trigger(arg_name="timer", schedule=EVERY_MINUTE)
    @blueprint.durable_client_input(client_name="client")
    @with_invocation
    async def tick(timer: func.TimerRequest, client: TickClient) -> None:
        services = await asyncio.to_thread(provide)
        await do_all(
            run_schedules(services, client),
            watch_jobs(services, client),
            apply_retention(services, client),
            asyncio.to_thread(sweep_orphans, services),
            sweep_histories(services, partial(client.purge_instance_history_by, runtime_status=_ENDED)),
        )

    return blueprint


async def do_all(*work: Awaitable[object]) -> None:
    """Do everything at the same time, and to its end: what fails does not stop the rest.

    Raises:
        ExceptionGroup: The failures. The host logs them and counts the invocation as failed.
    """
    results = await asyncio.gather(*work, return_exceptions=True)
    if failures := [result for result in results if isinstance(result, Exception)]:
        message = "work of this minute failed"
        raise ExceptionGroup(message, failures)
