"""Timer triggers: the watchdog of running jobs, the retention of ended ones, and the sweep of orphaned data."""

from __future__ import annotations

import asyncio
from functools import partial

import azure.durable_functions as df
import azure.functions as func
from azure.durable_functions import OrchestrationRuntimeStatus as Status

from exports.ports.orchestrations import HistoryPurger, OrchestrationClient
from exports.services import ServiceProvider
from exports.steps.upkeep.apply_retention import apply_retention
from exports.steps.upkeep.sweep_histories import sweep_histories
from exports.steps.upkeep.sweep_orphans import sweep_orphans as sweep_orphans_step
from exports.steps.upkeep.watch_jobs import watch_jobs as watch_jobs_step
from shared.invocations import with_invocation

EVERY_MINUTE, EVERY_FIVE_MINUTES = "0 * * * * *", "0 */5 * * * *"
"""As NCRONTAB. All start in the same second: an instance costs money while any of its functions runs."""

_ENDED = [Status.Completed, Status.Failed, Status.Terminated, Status.Canceled]


def watch_timer(provide: ServiceProvider) -> df.Blueprint:
    """Build the timer triggers of the watchdog, the retention and the sweep."""
    blueprint = df.Blueprint()

    @blueprint.timer_trigger(arg_name="timer", schedule=EVERY_MINUTE)
    @blueprint.durable_client_input(client_name="client")
    @with_invocation
    async def watch_jobs(timer: func.TimerRequest, client: OrchestrationClient) -> None:
        await watch_jobs_step(await asyncio.to_thread(provide), client)

    @blueprint.timer_trigger(arg_name="timer", schedule=EVERY_MINUTE)
    @blueprint.durable_client_input(client_name="client")
    @with_invocation
    async def retire_jobs(timer: func.TimerRequest, client: OrchestrationClient) -> None:
        await apply_retention(await asyncio.to_thread(provide), client)

    @blueprint.timer_trigger(arg_name="timer", schedule=EVERY_FIVE_MINUTES)
    @blueprint.durable_client_input(client_name="client")
    @with_invocation
    async def sweep_orphans(timer: func.TimerRequest, client: HistoryPurger) -> None:
        services = await asyncio.to_thread(provide)
        await asyncio.to_thread(sweep_orphans_step, services)
        await sweep_histories(services, partial(client.purge_instance_history_by, runtime_status=_ENDED))

    return blueprint
