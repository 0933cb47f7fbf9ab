"""The inputs of orchestrators and activities: a published format.

Running jobs hold these payloads in their history. So fields are only added, with defaults. A payload carries
references to clients, never rows.
"""

from __future__ import annotations

from exports.jobs.cost import Cost
from exports.jobs.failures import Failure
from exports.jobs.job import JobRef
from shared.models import Model, OptionalField
from shared.retry_policy import RetryPolicy


class Limits(Model):
    """The settings that an orchestrator needs. They travel in its input, so a replay does not read the environment.

    Defaults are those of the histories of 0.1.0, never those of a deployment.
    """

    wave_pages: int = 64
    waves_per_execution: int = 50
    target_bytes: int = 6 * 1024 * 1024
    retry: RetryPolicy = RetryPolicy()


class Progress(Model):
    """How far the waves of a job have come: the next page to write, and the totals of the pages before it.

    Attributes:
        losses: How many times a commit found that written pages were lost.
        in_flight: How many pages may be in flight together after the source throttled; None means a whole wave.
        cost: The cost of the steps so far.
        wave_pages: The latest share of the job in the pages in flight; None means the one in its limits.
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
    """Input of `export_job`.

    Attributes:
        progress: Set when the orchestration continues as new.
        notify: Whether the job has receivers that must be notified about its end.
        small_at_once: Whether the first step is `plan_or_export` instead of `plan_pages`. Orchestrations that an older
            version has started leave it out, because their history begins with `plan_pages`.
        snapshot: Whether one step, `export_snapshot`, does all the work. All other jobs leave it out.
    """

    job: JobRef
    limits: Limits = Limits()
    progress: Progress | None = None
    notify: bool = False
    small_at_once: OptionalField[bool] = None
    snapshot: OptionalField[bool] = None


class ExportWave(Model):
    """Input of `export_wave`: write the pages `[start, stop)`, at most `in_flight` of them together; None means all."""

    job: JobRef
    limits: Limits
    start: int
    stop: int
    in_flight: OptionalField[int] = None


class PlanPages(Model):
    """Command: plan the pages of the job so that each block has about `target_bytes`."""

    job: JobRef
    target_bytes: int


class PlanOrExport(PlanPages):
    """Command: plan the pages as `PlanPages` does; if one page holds all clients, also write and publish the file."""


class ExportSnapshot(PlanPages):
    """Command: read all clients in one snapshot of the database, publish the file and end the job."""


class BeginSnapshotAgain(Model):
    """Command: begin another attempt of a job whose snapshot was lost."""

    job: JobRef


class WritePage(Model):
    """Command: stage one page. Pages are counted from 0."""

    job: JobRef
    page: int


class RecordProgress(Model):
    """Command: record that the first `pages` pages are written and hold `rows` rows."""

    job: JobRef
    pages: int
    rows: int


class CommitFile(Model):
    """Command: publish the file, which must hold exactly these pages, rows and bytes.

    `cost`: the cost of the previous steps.
    """

    job: JobRef
    pages: int
    rows: int
    bytes: int
    cost: OptionalField[Cost] = None


class RecordOutcome(Model):
    """Command: end the job, as `Failed` if `failure` is given and as `Completed` otherwise.

    `page`: the page that caused the failure, if one did.
    """

    job: JobRef
    rows: int = 0
    bytes: int = 0
    failure: Failure | None = None
    page: OptionalField[int] = None


class DiscardFile(Model):
    """Command: delete the file that a stopped job has published. Staged blocks stay, unless they are of a snapshot."""

    job: JobRef


class WebhookDelivery(Model):
    """Input of `webhook_delivery`.

    Attributes:
        pauses_seconds: The pause after the first try, the second, and so on.
        retry: How to repeat a step that could not make its try, for example because storage did not answer.
        email: Which of the e-mail addresses in `notify` gets the message, from 0; None: the webhook is sent.
    """

    job: JobRef
    pauses_seconds: tuple[float, ...]
    retry: RetryPolicy = RetryPolicy()
    email: OptionalField[int] = None


class StartNotification(Model):
    """Command: start the messages that report the end of the job: the webhook and the e-mails."""

    job: JobRef


class SendWebhook(Model):
    """Command: send the webhook or one of the e-mails that report the end of the job.

    Attributes:
        number: Number of the try, from 1.
        begun: Whether this try was under way when the step was last called, so that its result may be known by now.
        postponed: How many times this try had to be made later, for want of room or because the receiver rests.
        given_up: Whether to send nothing, and only to record that the last try could not be made.
        email: Which of the e-mail addresses in `notify` gets the message, from 0; None: the webhook is sent.
    """

    job: JobRef
    number: int
    begun: OptionalField[bool] = None
    postponed: OptionalField[int] = None
    given_up: OptionalField[bool] = None
    email: OptionalField[int] = None
