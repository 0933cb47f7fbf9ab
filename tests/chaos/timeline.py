"""The observations of one run, which the invariants check."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field
from typing import Any

from tests.chaos.operations import JobWrite
from tests.chaos.schedule import Schedule


@dataclass(frozen=True, slots=True)
class Observation:
    """The response to one GET of a job."""

    began: float
    ended: float
    code: str
    status: str
    processed_items: int
    total_items: int | None
    percent: int | None
    has_link: bool
    failure: str | None = None


@dataclass(frozen=True, slots=True)
class CallRecord:
    """A request of a caller, and the status of its response; 0 if there was no response."""

    action: str
    began: float
    ended: float
    status: int
    code: str | None = None
    key: str | None = None
    body: str = ""
    problem: str | None = None


@dataclass(frozen=True, slots=True)
class FinalJob:
    """The final state of a job.

    Attributes:
        shown: The job as GET returns it.
        file: The content of its file, if it has a link.
        verify_faults: The faults that `python -m exports verify` finds in the file, if it has a file and a manifest.
        download_status, manifest_status: Statuses of the responses of `…/download` and `…/manifest`.
        published: Names of the job's readable blobs, relative to its directory.
        staged: Names of the job's blobs that consist only of staged blocks.
        orchestrations: Runtime status of the orchestration of each attempt, without attempts that have none.
    """

    tenant: str
    code: str
    body: str
    attempt: int
    shown: dict[str, Any]
    file: bytes | None
    manifest: dict[str, Any] | None
    verify_faults: tuple[str, ...]
    download_status: int
    manifest_status: int
    published: frozenset[str]
    staged: frozenset[str]
    orchestrations: dict[int, str]


@dataclass(frozen=True, slots=True)
class ReceivedWebhook:
    """One webhook that the receiver got. It may have refused it."""

    id: str
    code: str
    status: str
    has_link: bool


@dataclass(frozen=True, slots=True)
class SlotRun:
    """One entry in the runs of a schedule: the outcome of a slot."""

    slot: str
    outcome: str
    job_code: str | None


@dataclass
class Timeline:
    """All observations of one run.

    Attributes:
        expected: Bytes of an undisturbed file, by tenant and name of the request.
        webhooks: Webhooks about jobs of the run, in the order of their arrival.
        slots: The slots of the rig's one schedule, from the first run on the rig to this one.
        scheduled: Codes of all jobs that the schedule has started on the rig.
        occurred: Counts the events that really occurred, by kind. A fault for which no request came is not counted.
        orphans: Describes blobs and rows that belong to no job.
        undocumented: Describes responses that do not conform to /openapi.json.
    """

    schedule: Schedule
    expected: dict[tuple[str, str], bytes]
    observations: list[Observation] = field(default_factory=list)
    calls: list[CallRecord] = field(default_factory=list)
    job_writes: list[JobWrite] = field(default_factory=list)
    jobs: list[FinalJob] = field(default_factory=list)
    webhooks: list[ReceivedWebhook] = field(default_factory=list)
    slots: list[SlotRun] = field(default_factory=list)
    scheduled: list[str] = field(default_factory=list)
    occurred: Counter[str] = field(default_factory=Counter)
    orphans: list[str] = field(default_factory=list)
    undocumented: list[str] = field(default_factory=list)

    def of_job(self, code: str) -> list[Observation]:
        """Return the observations of a job, in order."""
        return sorted((seen for seen in self.observations if seen.code == code), key=lambda seen: seen.ended)

    def resumes(self, code: str) -> list[CallRecord]:
        """Return the calls that tried to resume a job, with or without a response."""
        return [call for call in self.calls if call.action == "resume" and call.code == code]
