"""Orchestrator: sends one webhook again and again until its receiver accepts it."""

from __future__ import annotations

from datetime import timedelta

from exports.jobs.failures import INTERRUPTED
from exports.workflow.commands import SendWebhook, WebhookDelivery
from exports.workflow.names import SEND_WEBHOOK
from exports.workflow.outcomes import Outcome, Rejected, Undelivered, parse_outcome
from shared.orchestration import ActivityFailedError, OrchestrationContext, Payload, Steps, call
from shared.retry_policy import jittered


def webhook_delivery(context: OrchestrationContext) -> Steps[Payload]:
    """Carry out a `WebhookDelivery`: try at once, then after each of its pauses.

    It runs as an instance of its own, because its last try may come days after the job's instance has ended.

    Returns:
        The last outcome, for operators who read the instance. The delivery log holds the outcome of every try.
    """
    run = WebhookDelivery.model_validate(context.get_input(expected_type=dict))
    number = 1
    outcome = yield from _send(context, run, number)
    for pause_seconds in run.pauses_seconds:
        if not _can_be_tried_again(outcome):
            break
        asked_seconds = outcome.retry_after_seconds if isinstance(outcome, Undelivered) else 0
        pause = jittered(pause_seconds, f"{context.instance_id} {number}")
        yield context.create_timer(context.current_utc_datetime + max(pause, timedelta(seconds=asked_seconds)))
        number += 1
        outcome = yield from _send(context, run, number)
    return outcome.model_dump(mode="json", by_alias=True)


def _send(context: OrchestrationContext, run: WebhookDelivery, number: int) -> Steps[Outcome]:
    """Send once. If the step raises in every try of its retry policy, that counts as one failed try of the webhook."""
    try:
        sent = yield from call(context, SEND_WEBHOOK, SendWebhook(job=run.job, number=number), run.retry)
    except ActivityFailedError:
        return Rejected(failure=INTERRUPTED)
    return parse_outcome(sent)


def _can_be_tried_again(outcome: Outcome) -> bool:
    return isinstance(outcome, Rejected) or (isinstance(outcome, Undelivered) and not outcome.final)
