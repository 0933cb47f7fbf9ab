"""The results of steps: a published format.

Running jobs hold these payloads in their history. So fields are only added, with defaults. The field `kind` tells which
outcome a payload is.
"""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field, TypeAdapter

from exports.jobs.cost import Cost
from exports.jobs.failures import Failure
from shared.models import Model, OptionalField


class PagesPlanned(Model):
    """The plan is stored.

    Attributes:
        wave_pages: How many pages the job may have in flight now; None means as many as its limits say.
        retry_after_seconds: From `plan_or_export`, if it planned the job but then could not export it, because the
            source or storage did not answer: how long the source asked to wait, 0 if it did not ask. None: no such
            failure.
    """

    kind: Literal["PagesPlanned"] = "PagesPlanned"
    pages: int
    rows: int
    cost: OptionalField[Cost] = None
    wave_pages: OptionalField[int] = None
    retry_after_seconds: OptionalField[float] = None


class PageWritten(Model):
    """The page is staged and recorded."""

    kind: Literal["PageWritten"] = "PageWritten"
    rows: int
    bytes: int
    cost: OptionalField[Cost] = None


class WaveWritten(Model):
    """All pages of the wave are staged and recorded.

    `in_flight`: how many pages the next wave may have in flight together; None means all.
    """

    kind: Literal["WaveWritten"] = "WaveWritten"
    rows: int
    bytes: int
    in_flight: OptionalField[int] = None
    cost: OptionalField[Cost] = None


class PagesLost(Model):
    """Written pages are gone from storage. The job must continue at `next_page`.

    `rows`, `bytes`: the totals of the pages before it, which are still there.
    """

    kind: Literal["PagesLost"] = "PagesLost"
    next_page: int
    rows: int
    bytes: int


class SnapshotLost(Model):
    """An earlier run of the step has begun to read a snapshot, which no later run can read.

    Another attempt of the job must begin.

    Attributes:
        retries: How many attempts the service has begun by itself since a user last queued the job.
    """

    kind: Literal["SnapshotLost"] = "SnapshotLost"
    retries: OptionalField[int] = None


class Done(Model):
    """The step took effect, now or in an earlier run.

    Attributes:
        wave_pages: As in `PagesPlanned`, when the step was `record_progress`.
        ended: From `commit_file` and `plan_or_export`: whether the step has also ended the job, so that nothing is left
            to do. Otherwise, and from versions that leave it out, `record_outcome` must end the job.
    """

    kind: Literal["Done"] = "Done"
    cost: OptionalField[Cost] = None
    wave_pages: OptionalField[int] = None
    ended: OptionalField[bool] = None


class Stopped(Model):
    """The job was cancelled or a later attempt replaced this one. The orchestrator must do nothing more."""

    kind: Literal["Stopped"] = "Stopped"


class Rejected(Model):
    """Repeating the step cannot help. The job fails with `failure`.

    `page`: the page that the step tried to write, if it was `write_page`.
    """

    kind: Literal["Rejected"] = "Rejected"
    failure: Failure
    page: OptionalField[int] = None


class Undelivered(Model):
    """The receiver, or the mail server, has not accepted the message, or not yet.

    Attributes:
        final: Whether more tries are useless.
        retry_after_seconds: The pause that the receiver asked for; it counts if it is longer than the planned one.
        ask_again_seconds: When to call the step again for the same try, which has no result yet.
        under_way: Whether the try without a result has begun; otherwise it has to be made later.
    """

    kind: Literal["Undelivered"] = "Undelivered"
    final: bool = False
    retry_after_seconds: float = 0
    ask_again_seconds: OptionalField[float] = None
    under_way: OptionalField[bool] = None


Outcome = PagesPlanned | PageWritten | WaveWritten | PagesLost | SnapshotLost | Done | Stopped | Rejected | Undelivered
_OUTCOME: TypeAdapter[Outcome] = TypeAdapter(Annotated[Outcome, Field(discriminator="kind")])


def parse_outcome(value: object) -> Outcome:
    """Parse the JSON that a step returned."""
    return _OUTCOME.validate_python(value)
