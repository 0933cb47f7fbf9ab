"""Orchestrator: writes one wave of pages in parallel."""

from __future__ import annotations

from exports.jobs.cost import total
from exports.jobs.failures import INTERRUPTED
from exports.workflow.commands import ExportWave, WritePage
from exports.workflow.names import WRITE_PAGE
from exports.workflow.outcomes import PageWritten, Rejected, Stopped, WaveWritten, parse_outcome
from shared.orchestration import ActivityFailedError, ConcurrencyLimiter, OrchestrationContext, Payload, Steps, call_all

_STOP_ON = ("Rejected", "Stopped")


def export_wave(context: OrchestrationContext) -> Steps[Payload]:
    """Write the pages of an `ExportWave`. As a sub-orchestration it keeps the history of the job short.

    Returns:
        `WaveWritten`, `Stopped` or `Rejected`, as JSON.
    """
    outcome = yield from write_wave(context, ExportWave.model_validate(context.get_input(expected_type=dict)))
    return outcome.model_dump(mode="json", by_alias=True)


def write_wave(context: OrchestrationContext, wave: ExportWave) -> Steps[WaveWritten | Stopped | Rejected]:
    """Write the pages of a wave in parallel and add up their rows and bytes.

    If a page is rejected, the wave is rejected after all pages in flight have ended. When the source throttles, fewer
    pages are in flight together, and the result carries the lower limit to the next wave.
    """
    commands = [WritePage(job=wave.job, page=page) for page in range(wave.start, wave.stop)]
    limiter = ConcurrencyLimiter(wave.in_flight)
    try:
        results = yield from call_all(context, WRITE_PAGE, commands, wave.limits.retry, limiter, stop_on=_STOP_ON)
    except ActivityFailedError as error:
        return Rejected(failure=INTERRUPTED, page=commands[error.index].page)
    outcomes = [parse_outcome(result) for result in results]
    for outcome in outcomes:
        if isinstance(outcome, (Rejected, Stopped)):
            return outcome
    pages = [outcome for outcome in outcomes if isinstance(outcome, PageWritten)]
    return WaveWritten(
        rows=sum(page.rows for page in pages),
        bytes=sum(page.bytes for page in pages),
        in_flight=limiter.limit,
        cost=total(*(page.cost for page in pages)),
    )
