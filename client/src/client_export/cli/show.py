"""How the commands show exports, and their progress."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

from rich.console import Console
from rich.progress import (
    BarColumn,
    DownloadColumn,
    Progress,
    TaskID,
    TextColumn,
    TimeElapsedColumn,
    TimeRemainingColumn,
    TransferSpeedColumn,
)

from client_export.cli.context import messages, print_facts
from client_export.cli.terminal import one_line
from client_export.downloads import Download
from client_export.models import Job
from client_export.verification import Progress as Show
from client_export.verification import Verification, no_progress


def print_job(job: Job) -> None:
    """Print what a person wants to know of an export."""
    percent = "" if job.percent_complete is None else f" ({job.percent_complete} %)"
    total = "?" if job.total_items is None else f"{job.total_items:,}"
    print_facts(
        {
            "code": job.code,
            "status": job.status.value,
            "clients": f"{job.processed_items:,} of {total}{percent}",
            "created": local(job.created),
            "created by": job.created_by,
            "schedule": job.schedule_code,
            "snapshot of": local(job.snapshot),
            "ended": local(job.completed),
            "file": job.file_name,
            "bytes": None if job.file_size is None else f"{job.file_size:,}",
            "kept until": local(job.expires),
            "failure": job.failure.message if job.failure else None,
        }
    )


def local(moment: Any) -> str | None:
    """Return a time in the time zone of this machine."""
    return None if moment is None else moment.astimezone().strftime("%Y-%m-%d %H:%M:%S")


def print_verification(download: Download) -> None:
    """Print what was proved of a file."""
    print_facts({"file": download.path, **facts_of(download.verification)})


def facts_of(found: Verification) -> dict[str, str | None]:
    """Return the facts of a verification, by name; None where there is nothing to tell."""
    proof = "proved" if found.is_proved else "intact; the manifest does not prove the order of the pages"
    return {
        "result": proof,
        "clients": f"{found.rows:,}",
        "bytes": f"{found.bytes:,}",
        "pages": f"{found.pages:,}",
        "CRC-32": found.crc32,
        "cut": _counted(found.cut_cells, "of the texts, too long for a cell: the file has only the beginning"),
        "left out": _counted(found.removed_characters, "of the characters of clients, which no cell can hold"),
    }


def _counted(count: int | None, words: str) -> str | None:
    return f"{count:,} {words}" if count else None


def verification_json(found: Verification) -> dict[str, Any]:
    """Return a verification for programs."""
    return {
        "proved": found.is_proved,
        "rows": found.rows,
        "bytes": found.bytes,
        "pages": found.pages,
        "crc32": found.crc32,
        "cutCells": found.cut_cells or 0,
        "removedCharacters": found.removed_characters or 0,
    }


@contextmanager
def watching(*, quiet: bool) -> Iterator[Callable[[Job], None]]:
    """Show the progress of an export: a bar on a terminal that can draw one, otherwise a line for each new status."""
    console = messages()
    if quiet or not _draws(console):
        yield _StatusLines(quiet)
        return
    columns = (TextColumn("{task.description}"), BarColumn(), TextColumn("{task.completed:,}/{task.total:,} clients"))
    with Progress(*columns, TimeElapsedColumn(), TimeRemainingColumn(), console=console, transient=True) as bar:
        task: TaskID = bar.add_task("Queued", total=0)
        yield lambda job: bar.update(
            task, description=job.status.value, completed=job.processed_items, total=job.total_items or 0
        )


@contextmanager
def downloading(*, quiet: bool) -> Iterator[Show]:
    """Show the progress of a download or of a check on a terminal."""
    console = messages()
    if quiet or not _draws(console):
        yield no_progress
        return
    with Progress(
        BarColumn(), DownloadColumn(), TransferSpeedColumn(), TimeRemainingColumn(), console=console, transient=True
    ) as bar:
        task = bar.add_task("", total=None)
        yield lambda done, total: bar.update(task, completed=done, total=total)


def _draws(console: Console) -> bool:
    """Return whether a console can draw over its lines: a terminal that is not "dumb", such as that of an editor."""
    return console.is_terminal and not console.is_dumb_terminal


class _StatusLines:
    def __init__(self, quiet: bool) -> None:
        self._quiet = quiet
        self._seen: str | None = None

    def __call__(self, job: Job) -> None:
        if not self._quiet and job.status.value != self._seen:
            self._seen = job.status.value
            messages().print(one_line(f"{job.code} {job.status.value}"), markup=False)
