"""Step: start the orchestrations that deliver the webhook and the e-mails of a job that has ended."""

from __future__ import annotations

import asyncio

from exports.jobs.job import Job
from exports.notifications.target import delivery_instance, messages_of
from exports.ports.orchestrations import OrchestrationStarter
from exports.services import Services
from exports.steps.finalize.finalize_job import finalize_job
from exports.steps.orchestrations import NotStartedError
from exports.workflow.commands import StartNotification, WebhookDelivery
from exports.workflow.names import WEBHOOK_DELIVERY
from exports.workflow.outcomes import Done


async def start_notification(services: Services, starter: OrchestrationStarter, command: StartNotification) -> Done:
    """Start the delivery of the messages about an attempt that has ended, then do the bookkeeping of `finalize_job`.

    The caller that ended the job may have died, or storage may have refused it, before it stored when the retention
    begins. From here on the watchdog no longer looks at the attempt, so this is the last step that can store it.

    If a later attempt has replaced this one, no message is sent for it. Called by the job's orchestration and by the
    watchdog. Safe to run twice.

    Raises:
        NotStartedError, StorageUnavailableError: Can be tried again.
    """
    job = await asyncio.to_thread(services.jobs.get, command.job.tenant, command.job.code)
    if job is not None and job.attempt == command.job.attempt:
        await start_delivery(services, starter, job)
    if job is not None:
        await asyncio.to_thread(finalize_job, services, command.job, job, is_notified=True)
    return Done()


async def start_delivery(services: Services, starter: OrchestrationStarter, job: Job) -> None:
    """Start an orchestration for each message about a job's end: the webhook and the e-mails that `notify` names.

    Safe to run twice, and at the same time, because the instance ids belong to the job's attempt. If two orchestrations
    of a message are started all the same, the second one finds the delivery in the delivery log, or else the receiver
    recognizes the event by its id.

    Raises:
        NotStartedError: Durable Functions did not start one of them; can be tried again.
    """
    if not job.status.is_terminal:
        return
    settings = services.settings
    run = WebhookDelivery(job=job.ref, pauses_seconds=settings.webhook_retry_seconds, retry=settings.limits.retry)
    for email in messages_of(job):
        await _start(starter, delivery_instance(job.ref.instance_id, email), run.model_copy(update={"email": email}))


async def _start(starter: OrchestrationStarter, instance: str, run: WebhookDelivery) -> None:
    try:
        if not await starter.get_status(instance):
            await starter.start_new(WEBHOOK_DELIVERY, instance, run.model_dump(mode="json", by_alias=True))
    except Exception as error:
        raise NotStartedError("The notification could not be started.") from error
