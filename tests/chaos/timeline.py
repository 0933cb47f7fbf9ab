"""What was seen of one run: the material that invariants judge."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field
from typing import Any

from tests.chaos.operations import JobWrite
from tests.chaos.schedule import Schedule


@dataclass(frozen=True, slots=True)
class Observation:
    """What one GET of a job showed."""

    begun: float
    ended: float
    code: str
    status: str
    processed_items: int
    total_items: int | None
    percent: int | None
    has_link: bool
    failure: str | None = None


@dataclass(frozen=True, slots=True)
class CallMade:
    """A request of a caller, and what came of it; `answer` is 0 where none came."""

    what: str
    begun: float
    ended: float
    answer: int
    code: str | None = None
    key: str | None = None
    body: str = ""
    problem: str | None = None


@dataclass(frozen=True, slots=True)
class FinalJob:
    """A job when all is over.

    Attributes:
        shown: The answer of GET.
        file: What its link gave, if it had one.
        refuted: What `python -m exports verify` has against the file, if it has both file and manifest.
        download, manifest_answer: Statuses of the answers to `…/download` and `…/manifest`.
        published: Names of readable blobs of the job, below its directory.
        staged: Names of blobs of the job that hold nothing but staged blocks.
        orchestrations: Runtime status of the instance of each attempt, by attempt; absent where there is none.
    """

    tenant: str
    code: str
    body: str
    attempt: int
    shown: dict[str, Any]
    file: bytes | None
    manifest: dict[str, Any] | None
    refuted: tuple[str, ...]
    download: int
    manifest_answer: int
    published: frozenset[str]
    staged: frozenset[str]
    orchestrations: dict[int, str]


@dataclass(frozen=True, slots=True)
class Told:
    """One webhook as its receiver got it, whatever it answered."""

    id: str
    code: str
    status: str
    has_link: bool


@dataclass(frozen=True, slots=True)
class SlotRun:
    """What a schedule says has become of a slot."""

    slot: str
    outcome: str
    job_code: str | None


@dataclass
class Timeline:
    """One run, from the first request to the last look.

    Attributes:
        expected: Bytes of an undisturbed file, by tenant and name of the request.
        told: Webhooks about jobs of the run, in the order they came.
        slots: Of the one schedule there is, from the first run on the rig to this one.
        scheduled: Codes of all jobs that the schedule has started on the rig.
        happened: What was really done, by kind: a fault whose request never came is not in it.
        strays: Blobs and rows that belong to no job.
        undocumented: Answers that are not as /openapi.json says.
    """

    schedule: Schedule
    expected: dict[tuple[str, str], bytes]
    observations: list[Observation] = field(default_factory=list)
    calls: list[CallMade] = field(default_factory=list)
    job_writes: list[JobWrite] = field(default_factory=list)
    jobs: list[FinalJob] = field(default_factory=list)
    told: list[Told] = field(default_factory=list)
    slots: list[SlotRun] = field(default_factory=list)
    scheduled: list[str] = field(default_factory=list)
    happened: Counter[str] = field(default_factory=Counter)
    strays: list[str] = field(default_factory=list)
    undocumented: list[str] = field(default_factory=list)

    def of_job(self, code: str) -> list[Observation]:
        """The observations of a job, in order."""
        return sorted((seen for seen in self.observations if seen.code == code), key=lambda seen: seen.ended)

    def resumes(self, code: str) -> list[CallMade]:
        """Every time somebody asked for a job to go on, answered or not."""
        return [call for call in self.calls if call.what == "resume" and call.code == code]
