"""The results of steps: a published format.

Running jobs hold these in their history. So fields are only added, with defaults. `kind` tells the results of a step
apart.
"""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field, TypeAdapter

from exports.jobs.cost import Cost
from exports.jobs.failures import Failure
from shared.models import Model, OptionalField


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
