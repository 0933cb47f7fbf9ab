"""The inputs of orchestrators and activities: a published format.

Running jobs hold these in their history. So fields are only added, with defaults. References travel, rows never.
"""

from __future__ import annotations

from exports.jobs.cost import Cost
from exports.jobs.failures import Failure
from exports.jobs.job import JobRef
from shared.models import Model, OptionalField
from shared.retry_policy import RetryPolicy


class Limits(Model):
    """Settings an orchestrator needs; they travel in its input so that replay does not depend on the environment."""

    wave_pages: int = 64
    waves_per_execution: int = 50
    target_bytes: int = 6 * 1024 * 1024
    retry: RetryPolicy = RetryPolicy()


class Progress(Model):
    """How far the waves have come: the next page to write, and what the pages before it hold.

    `losses`: how often pages were found lost when the file was to be published. `in_flight`: pages in flight together
    at most, since the source throttled; None: a whole wave. `wave_pages`: the job's share, as it was told last.
    """

    pages: int
    next_page: int = 0
    rows: int = 0
    bytes: int = 0
    losses: int = 0
    in_flight: OptionalField[int] = None
    cost: OptionalField[Cost] = None
    wave_pages: OptionalField[int] = None


class ExportJob(Model):
    """Input of `export_job`. `progress` is set when the orchestration continues as new.

    `notify`: somebody wants to be told of the end.
    """

    job: JobRef
    limits: Limits = Limits()
    progress: Progress | None = None
    notify: bool = False


class ExportWave(Model):
    """Input of `export_wave`: the pages `[start, stop)`, `in_flight` of them together at most; None: all."""

    job: JobRef
    limits: Limits
    start: int
    stop: int
    in_flight: OptionalField[int] = None


class PlanPages(Model):
    """Order: plan the job's pages, blocks to be of about `target_bytes`."""

    job: JobRef
    target_bytes: int


class WritePage(Model):
    """Order: stage one page, counted from 0."""

    job: JobRef
    page: int


class RecordProgress(Model):
    """Order: settle the first `pages` pages, which hold `rows`."""

    job: JobRef
    pages: int
    rows: int


class CommitFile(Model):
    """Order: publish the file, which must hold exactly this. `cost` is what the steps before have asked for."""

    job: JobRef
    pages: int
    rows: int
    bytes: int
    cost: OptionalField[Cost] = None


class RecordOutcome(Model):
    """Order: end the job; with `failure` as `Failed`, without as `Completed`. `page` is the one that failed it."""

    job: JobRef
    rows: int = 0
    bytes: int = 0
    failure: Failure | None = None
    page: OptionalField[int] = None


class DiscardFile(Model):
    """Order: remove what a cancelled job has left."""

    job: JobRef


class WebhookDelivery(Model):
    """Input of `webhook_delivery`: the pauses after the first try, the second, ….

    `retry` is for what keeps a try from being made, such as storage that does not answer.
    """

    job: JobRef
    pauses_seconds: tuple[float, ...]
    retry: RetryPolicy = RetryPolicy()


class StartNotification(Model):
    """Order: start telling whoever wants to know that the job has ended."""

    job: JobRef


class SendWebhook(Model):
    """Order: tell the receiver that the job has ended. `number` counts the tries from 1."""

    job: JobRef
    number: int
