"""Timer trigger: the watchdog."""

from __future__ import annotations

import azure.durable_functions as df
import azure.functions as func

from exports.services import ServiceProvider
from exports.steps.watch_jobs import OrchestrationKeeper
from exports.steps.watch_jobs import watch_jobs as watch_jobs_step

EVERY_MINUTE = "0 * * * * *"


def watch_timer(provide: ServiceProvider) -> df.Blueprint:
    """Build the timer trigger of the watchdog."""
    blueprint = df.Blueprint()

    @blueprint.timer_trigger(arg_name="timer", schedule=EVERY_MINUTE)
    @blueprint.durable_client_input(client_name="client")
    async def watch_jobs(timer: func.TimerRequest, client: OrchestrationKeeper) -> None:
        await watch_jobs_step(provide(), client)

    return blueprint
