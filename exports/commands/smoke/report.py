"""The results of the checks, as a table for people and as JSON for programs."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass
from enum import StrEnum

from shared.text import printable

_NAME_WIDTH = 10


class Outcome(StrEnum):
    """What became of a check."""

    FAILED = "failed"
    PASSED = "passed"
    SKIPPED = "skipped"


@dataclass(frozen=True, slots=True)
class Result:
    """The result of one check. `detail` says what was found, or why the check failed or was skipped."""

    name: str
    outcome: Outcome
    detail: str
    seconds: float


_SIGNS = {Outcome.PASSED: ("✓", "32"), Outcome.FAILED: ("✗", "31"), Outcome.SKIPPED: ("–", "33")}


def has_failed(results: Sequence[Result]) -> bool:
    return any(result.outcome is Outcome.FAILED for result in results)


def table_row(result: Result, *, colours: bool) -> str:
    """Return one line: sign, name, seconds, detail."""
    sign, colour = _SIGNS[result.outcome]
    shown = f"\x1b[{colour}m{sign}\x1b[0m" if colours else sign
    seconds = f"{result.seconds:6.1f} s" if result.outcome is not Outcome.SKIPPED else " " * 8
    return f"  {shown} {result.name:{_NAME_WIDTH}}{seconds}  {printable(result.detail)}"


def summary(url: str, results: Sequence[Result], *, colours: bool) -> Iterator[str]:
    """Yield the last lines: whether the deployment works, and how many checks say so."""
    counts = {outcome: sum(result.outcome is outcome for result in results) for outcome in Outcome}
    failed = has_failed(results)
    verdict = f"{url} does not work as promised" if failed else f"{url} works"
    text = f"{verdict}: {', '.join(f'{count} {outcome}' for outcome, count in counts.items() if count)}."
    yield ""
    yield f"\x1b[{'31' if failed else '32'}m{text}\x1b[0m" if colours else text


def as_document(url: str, version: str | None, results: Sequence[Result]) -> dict[str, object]:
    """Return the results for programs."""
    checks = [asdict(result) | {"seconds": round(result.seconds, 3)} for result in results]
    return {"url": url, "version": version, "ok": not has_failed(results), "checks": checks}
