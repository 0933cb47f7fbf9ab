"""A wave has as many pages as the latest share of the job."""

from __future__ import annotations

from typing import Any

from exports.workflow.names import EXPORT_JOB, EXPORT_WAVE
from tests.support.job_runs import Steps, export
from tests.support.orchestrators import run


def shares(*pages: int) -> dict[str, Any]:
    """Return steps that report these shares: the plan reports the first, and each recorded wave the next."""
    rest = iter(pages)
    planned = {"kind": "PagesPlanned", "pages": 12, "rows": 120}
    return {
        "plan_pages": lambda *_: planned | {"wavePages": next(rest)},
        "record_progress": lambda *_: {"kind": "Done", "wavePages": next(rest)},
    }


def test_a_wave_has_the_size_of_the_share_after_the_previous_wave() -> None:
    done = export(Steps(pages=12, **shares(5, 1, 2, 64)), wave_pages=64)

    waves = [work.input for work in done.scheduled if work.name == EXPORT_WAVE]
    assert [(wave["start"], wave["stop"]) for wave in waves] == [(0, 5), (5, 6), (6, 8), (8, 12)]
    (command,) = done.commands("commit_file")
    assert (command["pages"], command["rows"]) == (12, 120)


def test_a_job_within_its_share_is_one_wave_without_sub_orchestration() -> None:
    done = export(Steps(pages=12, **shares(12)), wave_pages=4)
    assert EXPORT_WAVE not in done.names()
    assert len(done.commands("write_page")) == 12


def test_the_share_is_kept_when_the_job_continues_as_new() -> None:
    first = export(Steps(pages=12, **shares(3, 2)), wave_pages=64, waves_per_execution=1)
    assert first.continued_with["progress"]["wavePages"] == 2
    second = run(EXPORT_JOB, first.continued_with, Steps(pages=12))
    waves = [work.input for work in second.scheduled if work.name == EXPORT_WAVE]
    assert (waves[0]["start"], waves[0]["stop"]) == (3, 5)


def test_without_a_share_a_wave_has_the_size_of_the_limits() -> None:
    done = export(Steps(pages=12), wave_pages=5)
    waves = [work.input for work in done.scheduled if work.name == EXPORT_WAVE]
    assert [(wave["start"], wave["stop"]) for wave in waves] == [(0, 5), (5, 10), (10, 12)]
