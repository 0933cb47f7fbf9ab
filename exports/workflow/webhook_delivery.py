"""Orchestrator: sends one webhook or e-mail again and again until its receiver accepts it."""

from __future__ import annotations

from datetime import timedelta

from exports.jobs.failures import INTERRUPTED
from exports.workflow.commands import SendWebhook, WebhookDelivery
from exports.workflow.names import SEND_WEBHOOK
from exports.workflow.outcomes import Outcome, Rejected, Undelivered, parse_outcome
from shared.orchestration import ActivityFailedError, OrchestrationContext, Payload, Steps, call
from shared.retry_policy import jittered

LAST_TRY_PATIENCE = timedelta(hours=1)
"""How long the last try may be postponed. The others may be postponed until the next one is due."""

_MAX_ASKS = 5
"""How often to ask for the result of a try that is under way."""


def webhook_delivery(context: OrchestrationContext) -> Steps[Payload]:
    """Carry out a `WebhookDelivery`: try at once, then after each of its pauses.

    It runs as an instance of its own, because its last try may come days after the job's instance has ended.

    Returns:
        The last outcome, for operators who read the instance. The delivery log holds the outcome of every try.
    """
    run = WebhookDelivery.model_validate(context.get_input(expected_type=dict))
    for number, pause_seconds in enumerate(run.pauses_seconds, start=1):
        pause = jittered(pause_seconds, f"{context.instance_id} {number}")
        outcome, postponed = yield from _send(context, run, number, pause)
        if not _can_be_tried_again(outcome):
            return _shown(outcome)
        asked_seconds = outcome.retry_after_seconds if isinstance(outcome, Undelivered) else 0
        left = max(pause - postponed, timedelta(seconds=asked_seconds))
        if left > timedelta():
            yield context.create_timer(context.current_utc_datetime + left)
    number = len(run.pauses_seconds) + 1
    outcome, _ = yield from _send(context, run, number, LAST_TRY_PATIENCE)
    if isinstance(outcome, Undelivered) and outcome.ask_again_seconds is not None:
        outcome = yield from _call(
            context, run, SendWebhook(job=run.job, number=number, given_up=True, email=run.email)
        )
    return _shown(outcome)


def _send(
    context: OrchestrationContext, run: WebhookDelivery, number: int, patience: timedelta
) -> Steps[tuple[Outcome, timedelta]]:
    """Make one try. A try that must be made later waits, but no longer than `patience` in all.

    Returns:
        The outcome, and how long the try was postponed.
    """
    command, postponed, asks, delays = SendWebhook(job=run.job, number=number, email=run.email), timedelta(), 0, 0
    while True:
        outcome = yield from _call(context, run, command)
        if not isinstance(outcome, Undelivered) or outcome.ask_again_seconds is None:
            return outcome, postponed
        pause = timedelta(seconds=outcome.ask_again_seconds)
        if asks == _MAX_ASKS or (not outcome.under_way and postponed + pause > patience):
            return outcome, postponed
        if outcome.under_way:
            asks += 1
        else:
            delays, postponed = delays + 1, postponed + pause
        yield context.create_timer(context.current_utc_datetime + pause)
        changes = {"begun": outcome.under_way, "postponed": delays or None}
        command = command.model_copy(update=changes)


def _call(context: OrchestrationContext, run: WebhookDelivery, command: SendWebhook) -> Steps[Outcome]:
    """Call the step. If it raises in every try of its retry policy, that counts as one failed try of the message."""
    try:
        return parse_outcome((yield from call(context, SEND_WEBHOOK, command, run.retry)))
    except ActivityFailedError:
        return Rejected(failure=INTERRUPTED)


def _can_be_tried_again(outcome: Outcome) -> bool:
    return isinstance(outcome, Rejected) or (isinstance(outcome, Undelivered) and not outcome.final)


def _shown(outcome: Outcome) -> Payload:
    return outcome.model_dump(mode="json", by_alias=True)
