"""Parses the header `Prefer` (RFC 7240): how long the caller wants to wait, as `respond-async` and `wait=N`."""

from __future__ import annotations

import re
from dataclasses import dataclass

# A comma or semicolon in a quoted string ends nothing. A string without its end goes on to the end of the header.
_PREFERENCE = re.compile(r'(?:[^",]|"(?:[^"\\]|\\.)*"?)+')
_PARAMETERS = re.compile(r'((?:[^";]|"(?:[^"\\]|\\.)*"?)*).*', re.DOTALL)


@dataclass(frozen=True, slots=True)
class Waiting:
    """How long to wait for a job to end, and the preferences that this follows exactly."""

    seconds: float
    applied: tuple[str, ...] = ()

    def not_at_all(self) -> Waiting:
        """Return the same without waiting. A preference to wait is then not followed."""
        return Waiting(0, tuple(name for name in self.applied if not name.startswith("wait=")))

    @property
    def headers(self) -> dict[str, str]:
        """The header that names the preferences that were followed exactly."""
        return {"Preference-Applied": ", ".join(self.applied)} if self.applied else {}


def parse_prefer(prefer: str, longest_seconds: float) -> Waiting:
    """Parse a `Prefer` header. Unknown and invalid preferences are ignored, as RFC 7240 requires.

    `respond-async` and `wait=N` together mean: wait N seconds, then answer (section 4.3). If a name occurs twice, the
    first one applies.
    """
    named: dict[str, str] = {}
    for preference in _PREFERENCE.findall(prefer.lower()):
        name, _, value = _PARAMETERS.sub(r"\1", preference, count=1).partition("=")
        named.setdefault(name.strip(), value.strip(' "'))
    at_once = "respond-async" in named
    applied = ("respond-async",) if at_once else ()
    wait = named.get("wait", "")
    if not (wait.isascii() and wait.isdecimal()):
        return Waiting(0 if at_once else longest_seconds, applied)
    seconds = float(wait)
    followed = (*applied, f"wait={wait}") if seconds <= longest_seconds else applied
    return Waiting(min(seconds, longest_seconds), followed)
