"""What a caller prefers about waiting (RFC 7240): `Prefer: respond-async` and `Prefer: wait=N`."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Waiting:
    """How long to wait for a job to end, and which preferences that follows, as `Preference-Applied` says it."""

    seconds: float
    applied: tuple[str, ...] = ()

    @property
    def headers(self) -> dict[str, str]:
        """Tell the caller which preferences were followed to the letter."""
        return {"Preference-Applied": ", ".join(self.applied)} if self.applied else {}


def parse_prefer(prefer: str, longest_seconds: float) -> Waiting:
    """Read a `Prefer` header; what is unknown or makes no sense in it is ignored, as the standard wants.

    Both together mean: wait so long, and answer then (section 4.3). Of a name that comes twice the first counts.
    """
    named: dict[str, str] = {}
    for preference in prefer.lower().split(","):
        name, _, value = preference.partition(";")[0].partition("=")
        named.setdefault(name.strip(), value.strip(' "'))
    at_once = "respond-async" in named
    applied = ("respond-async",) if at_once else ()
    wished = named.get("wait", "")
    if not (wished.isascii() and wished.isdecimal()):
        return Waiting(0 if at_once else longest_seconds, applied)
    seconds = float(wished)
    followed = (*applied, f"wait={wished}") if seconds <= longest_seconds else applied
    return Waiting(min(seconds, longest_seconds), followed)
