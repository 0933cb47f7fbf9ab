"""Timer trigger: every minute, starts the exports of the schedules that are due."""

from __future__ import annotations

import asyncio

import azure.durable_functions as df
import azure.functions as func

from exports.ports.orchestrations import OrchestrationStarter
from exports.services import ServiceProvider
from exports.steps.schedules.run_schedules import run_schedules
from shared.invocations import with_invocation

EVERY_MINUTE = "0 * * * * *"
"""As NCRONTAB: second, minute, hour, day, month, day of the week."""


def schedule_timer(provide: ServiceProvider) -> df.Blueprint:
    """Build the timer trigger of the schedules."""
    blueprint = df.Blueprint()

    @blueprint.function_name("run_due_schedules")
    @blueprint.timer_trigger(arg_name="timer", schedule=EVERY_MINUTE)
    @blueprint.durable_client_input(client_name="client")
    @with_invocation
    async def run_due_schedules(timer: func.TimerRequest, client: OrchestrationStarter) -> None:
        await run_schedules(await asyncio.to_thread(provide), client)

    return blueprint
