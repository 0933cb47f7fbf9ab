"""Activity triggers: one for each step that an orchestrator calls."""

from __future__ import annotations

import asyncio
import logging
import uuid
from collections.abc import Awaitable, Callable
from contextlib import AbstractContextManager
from typing import Any, TypeVar

import azure.durable_functions as df

from exports.errors import PermanentError, SourceThrottledError, TransientError
from exports.jobs.cost import cost_of
from exports.jobs.failures import failure_of, unexpected_failure
from exports.ports.orchestrations import OrchestrationStarter
from exports.services import ServiceProvider, Services
from exports.steps.finalize.commit_file import commit_file
from exports.steps.finalize.discard_file import discard_file
from exports.steps.finalize.record_outcome import record_outcome
from exports.steps.notifications.send_webhook import send_webhook
from exports.steps.notifications.start_notification import start_notification
from exports.steps.pages.plan_pages import plan_pages
from exports.steps.pages.record_progress import record_progress
from exports.steps.pages.write_page import write_page
from exports.steps.small_jobs.plan_or_export import plan_or_export
from exports.steps.snapshots.begin_snapshot_again import begin_snapshot_again
from exports.steps.snapshots.export_snapshot import export_snapshot
from exports.workflow.commands import (
    BeginSnapshotAgain,
    CommitFile,
    DiscardFile,
    ExportSnapshot,
    PlanOrExport,
    PlanPages,
    RecordOutcome,
    RecordProgress,
    SendWebhook,
    StartNotification,
    WritePage,
)
from exports.workflow.names import (
    BEGIN_SNAPSHOT_AGAIN,
    COMMIT_FILE,
    DISCARD_FILE,
    EXPORT_SNAPSHOT,
    PLAN_OR_EXPORT,
    PLAN_PAGES,
    RECORD_OUTCOME,
    RECORD_PROGRESS,
    SEND_WEBHOOK,
    START_NOTIFICATION,
    WRITE_PAGE,
)
from exports.workflow.outcomes import Done, Outcome, PagesPlanned, PageWritten, Rejected, SnapshotLost
from shared.events import emit
from shared.invocations import host_trace_parent, with_invocation
from shared.metering import Meter, metering
from shared.models import Model
from shared.orchestration import Payload, Throttled
from shared.request_ids import serving
from shared.telemetry import count, measure, nearer_parent, span

M = TypeVar("M", bound=Model)
C = TypeVar("C")
_SNAPSHOT_LOST = SnapshotLost.model_fields["kind"].default
RunStep = Callable[[ServiceProvider, Callable[[Services, M], Outcome], type[M], Payload], Payload]


def export_activities(provide: ServiceProvider) -> df.Blueprint:
    """Build the activity triggers of exports.

    The names of the activities, and the name `payload` of their parameter, are a published format: running jobs hold
    them in their history.
    """
    blueprint = df.Blueprint()

    def add(name: str, step: Callable[[Services, M], Outcome], command: type[M], run: RunStep[M] = run_step) -> None:
        def activity(payload: Any) -> Payload:
            with serving(_request_of(payload)):
                return run(provide, step, command, payload)

        blueprint.activity_trigger(input_name="payload")(_named(name, with_invocation(activity)))

    def add_starting(
        name: str, step: Callable[[Services, OrchestrationStarter, M], Awaitable[Outcome]], command: type[M]
    ) -> None:
        async def activity(payload: Any, client: OrchestrationStarter) -> Payload:
            with serving(_request_of(payload)):
                return await run_starting_step(provide, client, step, command, payload)

        with_client = blueprint.durable_client_input(client_name="client")(_named(name, with_invocation(activity)))
        blueprint.activity_trigger(input_name="payload")(with_client)

    add(PLAN_OR_EXPORT, plan_or_export, PlanOrExport, run_job_step)
    add(EXPORT_SNAPSHOT, export_snapshot, ExportSnapshot, run_job_step)
    add(PLAN_PAGES, plan_pages, PlanPages, run_job_step)
    add(WRITE_PAGE, write_page, WritePage, run_job_step)
    add(RECORD_PROGRESS, record_progress, RecordProgress, run_job_step)
    add(COMMIT_FILE, commit_file, CommitFile, run_job_step)
    add(RECORD_OUTCOME, record_outcome, RecordOutcome)
    add(DISCARD_FILE, discard_file, DiscardFile)
    add(SEND_WEBHOOK, send_webhook, SendWebhook)
    add_starting(BEGIN_SNAPSHOT_AGAIN, begin_snapshot_again, BeginSnapshotAgain)
    add_starting(START_NOTIFICATION, start_notification, StartNotification)
    return blueprint


def run_step(
    provide: ServiceProvider, step: Callable[[Services, M], Outcome], command: type[M], payload: Payload
) -> Payload:
    """Run a step on the command in `payload`, under its published key `order`, and return the outcome as JSON.

    The orchestrator retries an activity that raises. A raised error reaches it as bare text, so an error that it must
    recognize is returned as a value: a permanent error, or a transient one in the final try, as `Rejected` with the
    message for the user; the error of a source that throttles as `Throttled`.

    Raises:
        TransientError: A retry can help, and this was not the final try.
    """
    result: Outcome | Throttled
    with metering() as meter:
        try:
            services = provide()
            with _span_of(command, payload):
                result = _with_cost(step(services, command.model_validate(payload["order"])), meter)
        except (PermanentError, TransientError) as error:
            result = _result_of(error, command, payload)
        finally:
            _record(command, meter)
    return result.model_dump(mode="json", by_alias=True)


def run_job_step(
    provide: ServiceProvider, step: Callable[[Services, M], Outcome], command: type[M], payload: Payload
) -> Payload:
    """Run a step whose rejection fails the job; otherwise like `run_step`.

    An error that no rule knows is a fault of this service, which more tries over minutes would not cure. So the step is
    run a second time at once, as every step may be, and then the job fails with an incident number. An attempt reads
    only one snapshot, so a run that had begun to read it is not repeated: the second try is the next attempt of the
    job, which the service begins by itself. An attempt that a user has begun by a resume has two tries as well. Steps
    that end a job are not run like this: they are tried for an hour, so that the job never seems to run for ever.

    Raises:
        TransientError: A retry can help, and this was not the final try.
    """
    try:
        return run_step(provide, step, command, payload)
    except TransientError:
        raise
    except Exception as error:
        first = error
        emit("step.repeated", logging.WARNING, cause=error, error="internal", **_told(command, payload))
    try:
        result = run_step(provide, step, command, payload)
    except TransientError:
        raise
    except Exception as error:
        return _fail(error, command, payload)
    is_second = result["kind"] == _SNAPSHOT_LOST and result["retries"] > 0
    return _fail(first, command, payload) if is_second else result


def _fail(error: Exception, command: type[Model], payload: Payload) -> Payload:
    """Let the job fail with an incident number, under which the log has the error."""
    incident = uuid.uuid4().hex
    told = {"error": "internal", "incident": incident, **_told(command, payload)}
    emit("step.failed", logging.ERROR, cause=error, final=True, **told)
    rejected = Rejected(failure=unexpected_failure(incident), page=_page_of(command, payload))
    return rejected.model_dump(mode="json", by_alias=True)


async def run_starting_step(
    provide: ServiceProvider,
    client: C,
    step: Callable[[Services, C, M], Awaitable[Outcome]],
    command: type[M],
    payload: Any,
) -> Payload:
    """Run a step that starts orchestrations; otherwise like `run_step`. It runs on the event loop: it must not block.

    Only an activity can have a client of Durable Functions; an orchestrator cannot. So an orchestration that must
    outlive the one that wants it is started by an activity.

    Raises:
        TransientError: A retry can help, and this was not the final try.
    """
    result: Outcome | Throttled
    try:
        services = await asyncio.to_thread(provide)
        with _span_of(command, payload):
            result = await step(services, client, command.model_validate(payload["order"]))
    except (PermanentError, TransientError) as error:
        result = _result_of(error, command, payload)
    return result.model_dump(mode="json", by_alias=True)


def _named(name: str, activity: Callable[..., Any]) -> Callable[..., Any]:
    """Give a function the name of its activity: the SDK takes the durable name from the function."""
    activity.__name__ = activity.__qualname__ = name
    return activity


def _with_cost(result: Outcome, meter: Meter) -> Outcome:
    """Add the cost of the step to an outcome that carries one."""
    if isinstance(result, (PagesPlanned, PageWritten, Done)):
        return result.model_copy(update={"cost": cost_of(meter)})
    return result


def _result_of(error: PermanentError | TransientError, command: type[Model], payload: Payload) -> Rejected | Throttled:
    """Return the value that the orchestrator receives for an error; raise the error again if it must retry."""
    is_final = payload["finalTry"] or isinstance(error, PermanentError)
    told = _told(command, payload) | {"error": error.code}
    if not is_final:
        count("export.retries", 1, step=command.__name__, error=error.code)
    if command is WritePage and not is_final:
        emit("page.retried", logging.WARNING, cause=error, **told)
    else:
        emit("step.failed", logging.WARNING, cause=error, final=is_final, **told)
    if isinstance(error, SourceThrottledError) and not is_final:
        return Throttled(retry_after_seconds=error.retry_after_seconds)
    if not is_final:
        raise error
    page = _page_of(command, payload) if error.page is None else error.page
    return Rejected(failure=failure_of(error), page=page)


def _span_of(command: type[Model], payload: Payload) -> AbstractContextManager[object]:
    """Record a span of the step. It belongs to the request that started the job."""
    parent = nearer_parent(payload["order"]["job"].get("trace"), host_trace_parent())
    return span(command.__name__, parent, request=_request_of(payload), **_told(command, payload))


def _record(command: type[Model], meter: Meter) -> None:
    for kind, requests in meter.requests.items():
        count("export.storage.requests", requests, kind=kind)
    if command is WritePage:
        measure("export.page.seconds", meter.seconds)


def _told(command: type[Model], payload: Payload) -> dict[str, Any]:
    """Return what an event tells about the step of a payload."""
    order = payload["order"]
    job = {"tenant": order["job"]["tenant"], "job": order["job"]["code"], "attempt": order["job"]["attempt"]}
    return {**job, "page": order.get("page"), "step": command.__name__}


def _request_of(payload: Payload) -> str | None:
    """Return the id of the request that started the job of a payload; None: no request did, or it is not known."""
    request: str | None = payload.get("order", {}).get("job", {}).get("request")
    return request


def _page_of(command: type[Model], payload: Payload) -> int | None:
    return payload["order"]["page"] if command is WritePage else None
