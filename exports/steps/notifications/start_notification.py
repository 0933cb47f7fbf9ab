"""Step: begin to tell whoever wants to know that a job has ended."""

from __future__ import annotations

import asyncio

from exports.jobs.job import Job
from exports.jobs.watchdog import watched
from exports.services import Services
from exports.steps.requests.start_export import NotStartedError, OrchestrationStarter
from exports.workflow.commands import StartNotification, WebhookDelivery
from exports.workflow.names import WEBHOOK_DELIVERY
from exports.workflow.outcomes import Done


async def start_notification(services: Services, starter: OrchestrationStarter, job: Job) -> None:
    """Start the delivery of the webhook of a job that has ended; nothing to do if none is wanted.

    Safe to run twice, and at the same time: the delivery's instance is named for the job's attempt, and where two are
    started all the same the log of deliveries stops the second, or the receiver knows the event by its id. Whoever ends
    a job outside its orchestration calls this.

    Raises:
        NotStartedError: Durable Functions did not take it; can be tried again.
    """
    if job.notify is None or not job.status.is_terminal:
        return
    instance = f"{job.ref.instance_id}-webhook"
    settings = services.settings
    run = WebhookDelivery(job=job.ref, pauses_seconds=settings.webhook_retry_seconds, retry=settings.limits.retry)
    try:
        if not await starter.get_status(instance):
            await starter.start_new(WEBHOOK_DELIVERY, instance, run.model_dump(mode="json", by_alias=True))
    except Exception as error:
        raise NotStartedError("The notification could not be started.") from error


async def notify_of_end(services: Services, starter: OrchestrationStarter, command: StartNotification) -> Done:
    """Start the notification of a job's attempt, and end the watch that was kept for it; of an attempt that a later one
    has replaced there is nothing to tell.

    Raises:
        NotStartedError, StorageUnavailableError: Can be tried again.
    """
    job = await asyncio.to_thread(services.jobs.get, command.job.tenant, command.job.code)
    if job is not None and job.attempt == command.job.attempt:
        await start_notification(services, starter, job)
    if job is not None and not job.runs(command.job.attempt):
        await asyncio.to_thread(services.watch.unwatch, watched(command.job, services.now()))
    return Done()
