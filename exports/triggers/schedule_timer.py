"""Timer trigger: one scheduled export, set up by app settings."""

from __future__ import annotations

import asyncio
import logging
from datetime import datetime

import azure.durable_functions as df
import azure.functions as func

from exports.job_codes import slot_job_code
from exports.services import ServiceProvider, Services
from exports.specs import SensitiveFields
from exports.steps.pin_spec import pin_spec
from exports.steps.start_export import OrchestrationStarter, make_job, start_export

SCHEDULE = "%EXPORT_SCHEDULE%"
"""The NCRONTAB expression comes from the app setting of this name (six fields, UTC)."""

_NAME = "settings"
_log = logging.getLogger(__name__)


def schedule_timer(provide: ServiceProvider) -> df.Blueprint:
    """Build the timer trigger of the scheduled export."""
    blueprint = df.Blueprint()

    @blueprint.function_name("run_scheduled_export")
    @blueprint.timer_trigger(arg_name="timer", schedule=SCHEDULE)
    @blueprint.durable_client_input(client_name="client")
    async def run_scheduled_export(timer: func.TimerRequest, client: OrchestrationStarter) -> None:
        await _run(provide(), timer, client)

    return blueprint


async def _run(services: Services, timer: func.TimerRequest, starter: OrchestrationStarter) -> None:
    tenant = services.settings.schedule_tenant
    if not tenant:
        return
    slot = slot_of(timer, services.now())
    job = await _start(services, starter, tenant, slot)
    _log.info("event=schedule.fired slot=%s code=%s", slot.isoformat(), job)


async def _start(services: Services, starter: OrchestrationStarter, tenant: str, slot: datetime) -> str | None:
    """No caller stands behind app settings: sensitive fields are exported only where they are named."""
    request = services.settings.schedule_request
    spec = await asyncio.to_thread(pin_spec, services, tenant, request, SensitiveFields.IF_NAMED)
    code = slot_job_code(f"{tenant}/{_NAME}", slot)
    job = make_job(tenant, spec, code, services.now(), request.notify)
    started = await start_export(services, starter, job, f"schedule:{_NAME}")
    return started.code if started else None


def slot_of(timer: func.TimerRequest, now: datetime) -> datetime:
    """Name the slot a timer fired for: the moment it was due, or this minute where the host keeps no record.

    Firing late, twice or on two hosts names the same slot, and a slot has one job.
    """
    due = getattr(timer, "schedule_status", {}).get("Next")  # the abstract type does not name the property
    if due and not due.startswith("0001-"):
        return datetime.fromisoformat(due)
    return now.replace(second=0, microsecond=0)
