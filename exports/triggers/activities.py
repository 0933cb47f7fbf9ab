"""Activity triggers: one per step. A function's name is its durable name, a published format."""

from __future__ import annotations

import logging
from collections.abc import Awaitable, Callable
from typing import Any, TypeVar

import azure.durable_functions as df

from exports.errors import PermanentError, SourceThrottledError, TransientError
from exports.jobs.cost import cost_of
from exports.jobs.failures import failure_of
from exports.services import ServiceProvider, Services
from exports.steps.finalize import commit_file as commit
from exports.steps.finalize import discard_file as discard
from exports.steps.finalize import record_outcome as outcome
from exports.steps.notifications import send_webhook as webhook
from exports.steps.notifications import start_notification as notify
from exports.steps.pages import plan_pages as plan
from exports.steps.pages import record_progress as progress
from exports.steps.pages import write_page as write
from exports.steps.requests.start_export import OrchestrationStarter
from exports.workflow.commands import (
    CommitFile,
    DiscardFile,
    PlanPages,
    RecordOutcome,
    RecordProgress,
    SendWebhook,
    StartNotification,
    WritePage,
)
from exports.workflow.outcomes import Done, Outcome, PagesPlanned, PageWritten, Rejected
from shared.metering import Meter, metering
from shared.models import Model
from shared.orchestration import Payload, Throttled

O = TypeVar("O", bound=Model)  # noqa: E741
C = TypeVar("C")
_log = logging.getLogger(__name__)


def export_activities(provide: ServiceProvider) -> df.Blueprint:
    """Build the activity triggers of exports."""
    blueprint = df.Blueprint()

    @blueprint.activity_trigger(input_name="payload")
    def plan_pages(payload: Any) -> Payload:
        return run_step(provide, plan.plan_pages, PlanPages, payload)

    @blueprint.activity_trigger(input_name="payload")
    def write_page(payload: Any) -> Payload:
        return run_step(provide, write.write_page, WritePage, payload)

    @blueprint.activity_trigger(input_name="payload")
    def record_progress(payload: Any) -> Payload:
        return run_step(provide, progress.record_progress, RecordProgress, payload)

    @blueprint.activity_trigger(input_name="payload")
    def commit_file(payload: Any) -> Payload:
        return run_step(provide, commit.commit_file, CommitFile, payload)

    @blueprint.activity_trigger(input_name="payload")
    def record_outcome(payload: Any) -> Payload:
        return run_step(provide, outcome.record_outcome, RecordOutcome, payload)

    @blueprint.activity_trigger(input_name="payload")
    def discard_file(payload: Any) -> Payload:
        return run_step(provide, discard.discard_file, DiscardFile, payload)

    @blueprint.activity_trigger(input_name="payload")
    @blueprint.durable_client_input(client_name="client")
    async def start_notification(payload: Any, client: OrchestrationStarter) -> Payload:
        return await run_starting_step(provide, client, notify.notify_of_end, StartNotification, payload)

    @blueprint.activity_trigger(input_name="payload")
    def send_webhook(payload: Any) -> Payload:
        return run_step(provide, webhook.send_webhook, SendWebhook, payload)

    return blueprint


def run_step(
    provide: ServiceProvider, step: Callable[[Services, O], Outcome], command: type[O], payload: Payload
) -> Payload:
    """Run a step on the order in `payload`; raise to be tried again, return what trying again cannot cure.

    Errors reach an orchestrator as bare text. So a permanent error, and a transient one in the final try, are
    returned as `Rejected`, with what the user is to be told; and that the source throttles is returned as `Throttled`.
    """
    result: Outcome | Throttled
    with metering() as meter:
        try:
            result = _with_cost(step(provide(), command.model_validate(payload["order"])), meter)
        except (PermanentError, TransientError) as error:
            result = _answer_to(error, command, payload)
    return result.model_dump(mode="json", by_alias=True)


async def run_starting_step(
    provide: ServiceProvider,
    client: C,
    step: Callable[[Services, C, O], Awaitable[Outcome]],
    command: type[O],
    payload: Any,
) -> Payload:
    """Run a step that starts orchestrations, like `run_step`; on the event loop, so it must not block.

    An activity may have a client of Durable Functions, an orchestrator may not: what is to outlive an orchestration is
    started by an activity.
    """
    result: Outcome | Throttled
    try:
        result = await step(provide(), client, command.model_validate(payload["order"]))
    except (PermanentError, TransientError) as error:
        result = _answer_to(error, command, payload)
    return result.model_dump(mode="json", by_alias=True)


def _with_cost(result: Outcome, meter: Meter) -> Outcome:
    """Note what the step has asked of storage, where that is summed up."""
    if isinstance(result, (PagesPlanned, PageWritten, Done)):
        return result.model_copy(update={"cost": cost_of(meter)})
    return result


def _answer_to(error: PermanentError | TransientError, command: type[Model], payload: Payload) -> Rejected | Throttled:
    """Give what is returned to the orchestrator; raise the error again if the step is to be tried again."""
    _log.warning("event=step.failed step=%s code=%s", command.__name__, error.code, exc_info=True)
    if isinstance(error, SourceThrottledError) and not payload["finalTry"]:
        return Throttled(retry_after_seconds=error.retry_after_seconds)
    if isinstance(error, TransientError) and not payload["finalTry"]:
        raise error
    return Rejected(failure=failure_of(error), page=payload["order"]["page"] if command is WritePage else None)
