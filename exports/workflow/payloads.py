"""What travels between orchestrators and activities: a published format.

Running jobs hold these in their history. So names stay, and fields are only added, with defaults. References travel,
rows never. `kind` tells the results of a step apart.
"""

from __future__ import annotations

from typing import Annotated, Literal, TypeVar

from pydantic import Field, TypeAdapter

from exports.jobs.cost import Cost
from exports.jobs.failures import Failure
from exports.jobs.job import JobRef
from shared.models import Model
from shared.orchestration import RetryPolicy

EXPORT_JOB = "export_job"
EXPORT_WAVE = "export_wave"
PLAN_PAGES = "plan_pages"
WRITE_PAGE = "write_page"
RECORD_PROGRESS = "record_progress"
COMMIT_FILE = "commit_file"
RECORD_OUTCOME = "record_outcome"
DISCARD_FILE = "discard_file"
START_NOTIFICATION = "start_notification"
WEBHOOK_DELIVERY = "webhook_delivery"
SEND_WEBHOOK = "send_webhook"


_Value = TypeVar("_Value")
OptionalField = Annotated[_Value | None, Field(exclude_if=lambda value: value is None)]
"""A field that came later: where it is not used, what is written is what was written before."""


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


class PagesPlanned(Model):
    """The plan is stored. `wave_pages`: how many pages the job may have in flight now; None: as its limits have it."""

    kind: Literal["PagesPlanned"] = "PagesPlanned"
    pages: int
    rows: int
    cost: OptionalField[Cost] = None
    wave_pages: OptionalField[int] = None


class PageWritten(Model):
    """The page is staged and recorded."""

    kind: Literal["PageWritten"] = "PageWritten"
    rows: int
    bytes: int
    cost: OptionalField[Cost] = None


class WaveWritten(Model):
    """All pages of the wave are staged and recorded. `in_flight`: how many the next wave may have together."""

    kind: Literal["WaveWritten"] = "WaveWritten"
    rows: int
    bytes: int
    in_flight: OptionalField[int] = None
    cost: OptionalField[Cost] = None


class PagesLost(Model):
    """Pages that were written are gone: go on from `next_page`; the pages before it are there, and hold this."""

    kind: Literal["PagesLost"] = "PagesLost"
    next_page: int
    rows: int
    bytes: int


class Done(Model):
    """The step took effect, now or when it ran before. `wave_pages`: as in `PagesPlanned`, where it is time to say.

    `ended`: whether the job has ended as well, and nothing is left to do; None: that is for another step.
    """

    kind: Literal["Done"] = "Done"
    cost: OptionalField[Cost] = None
    wave_pages: OptionalField[int] = None
    ended: OptionalField[bool] = None


class Stopped(Model):
    """The job was cancelled, or a later attempt took over: do nothing more."""

    kind: Literal["Stopped"] = "Stopped"


class Rejected(Model):
    """Repeating the step does not help: the job fails with this, if it was a page's step because of that `page`."""

    kind: Literal["Rejected"] = "Rejected"
    failure: Failure
    page: OptionalField[int] = None


class Undelivered(Model):
    """The receiver did not take it; `final`: nor will it later. It may ask for a longer pause than is planned."""

    kind: Literal["Undelivered"] = "Undelivered"
    final: bool = False
    retry_after_seconds: float = 0


Outcome = PagesPlanned | PageWritten | WaveWritten | PagesLost | Done | Stopped | Rejected | Undelivered
_OUTCOME: TypeAdapter[Outcome] = TypeAdapter(Annotated[Outcome, Field(discriminator="kind")])


def parse_outcome(value: object) -> Outcome:
    """Read what a step returned."""
    return _OUTCOME.validate_python(value)
