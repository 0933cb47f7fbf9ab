"""Matches paths to route templates as ASP.NET does: `{a}`, `{a?}`, `{a:int}`, `{*rest}`; literals before parameters."""

import re
from collections.abc import Iterable
from dataclasses import dataclass
from urllib.parse import unquote

from devhost.functions import FunctionInfo, StartupError
from devhost.settings import resolve

_PARAMETER = re.compile(r"\{(\*{0,2})(\w+)((?::[^{}()?]+(?:\([^()]*\))?)*)(\?)?\}")
_CONSTRAINT = re.compile(r":(\w+)(?:\(([^()]*)\))?")
_PATTERNS = {
    "int": r"-?\d{1,10}",
    "long": r"-?\d{1,19}",
    "bool": r"(?:true|false)",
    "guid": r"\{?[0-9a-f]{8}-?(?:[0-9a-f]{4}-?){3}[0-9a-f]{12}\}?",
    "alpha": r"[a-z]+",
    "decimal": r"-?\d+(?:\.\d+)?",
    "double": r"-?\d+(?:\.\d+)?",
    "float": r"-?\d+(?:\.\d+)?",
    "datetime": r"\d{4}-\d\d-\d\d(?:[T ][\d:.]+Z?)?",
}
_LITERAL, _MIXED, _PLAIN, _REST, _END = range(5)


@dataclass(frozen=True)
class Route:
    """A compiled template.

    `rank` sorts by precedence, segment by segment: literal, constrained, plain parameter, catch-all, no segment. So the
    router tries an unconstrained `{*rest}` before the route `/` (azure-webjobs-sdk-extensions, `WebJobsRouteBuilder`).
    """

    function: FunctionInfo
    pattern: re.Pattern[str]
    rank: tuple[int, ...]

    def match(self, path: str) -> dict[str, str] | None:
        found = self.pattern.fullmatch(path)
        if found is None:
            return None
        return {name: unquote(value) for name, value in found.groupdict().items() if value}


@dataclass(frozen=True)
class Found:
    function: FunctionInfo
    parameters: dict[str, str]


@dataclass(frozen=True)
class NotFound:
    """`allowed` lists the methods that work on the path; it is empty if no route has the path."""

    allowed: tuple[str, ...]


class Router:
    """Finds the function for a method and a path."""

    def __init__(self, functions: Iterable[FunctionInfo], prefix: str) -> None:
        self._routes = sorted((_compile(function, prefix) for function in functions), key=lambda route: route.rank)

    def find(self, method: str, path: str) -> Found | NotFound:
        """Find the function for a raw path, in which characters are still percent-encoded."""
        allowed: list[str] = []
        for route in self._routes:
            parameters = route.match(path.strip("/"))
            if parameters is None:
                continue
            if not route.function.methods or method in route.function.methods:
                return Found(route.function, parameters)
            allowed += route.function.methods
        return NotFound(tuple(dict.fromkeys(allowed)))


def _compile(function: FunctionInfo, prefix: str) -> Route:
    template = f"{prefix}/{resolve(function.route).strip('/')}".strip("/")
    parts = [_segment(segment, function.name) for segment in template.split("/")] if template else []
    pattern = "".join(
        _joined(regex, first=index == 0, optional=optional) for index, (regex, _, optional) in enumerate(parts)
    )
    return Route(function, re.compile(pattern, re.IGNORECASE), (*(rank for _, rank, _ in parts), _END))


def _joined(regex: str, *, first: bool, optional: bool) -> str:
    slash = "" if first else "/"
    return f"(?:{slash}{regex})?" if optional else f"{slash}{regex}"


def _segment(text: str, function: str) -> tuple[str, int, bool]:
    """Return the pattern, the rank and the optionality of one segment, which may mix literals and parameters."""
    regex, end, constrained, optional, rest = "", 0, False, False, False
    for match in _PARAMETER.finditer(text):
        star, name, constraints, question = match.groups()
        regex += re.escape(text[end : match.start()])
        regex += f"(?P<{name}>{_lookaheads(constraints, function)}{'.*' if star else '[^/]+?'})"
        end = match.end()
        constrained |= bool(constraints)
        rest |= bool(star)
        optional |= bool(question or (star and not constraints))  # an empty rest meets no constraint
    if "{" in text[end:] or "}" in text[end:]:
        msg = f"function {function!r}: cannot read the route segment {text!r}"
        raise StartupError(msg)
    literal = end == 0
    mixed = constrained or regex.startswith("\\") or text[end:] != ""
    rank = _LITERAL if literal else _REST if rest else _MIXED if mixed else _PLAIN
    return regex + re.escape(text[end:]), rank, optional


def _lookaheads(constraints: str, function: str) -> str:
    """Return a pattern that applies each constraint to the whole segment."""
    return "".join(_lookahead(kind, argument, function) for kind, argument in _CONSTRAINT.findall(constraints))


def _lookahead(kind: str, argument: str, function: str) -> str:
    low, _, high = argument.partition(",")
    patterns = {
        **_PATTERNS,
        "length": f"[^/]{{{low},{high or low}}}",
        "minlength": f"[^/]{{{low},}}",
        "maxlength": f"[^/]{{0,{low}}}",
        "regex": argument.removeprefix("^").removesuffix("$"),
    }
    if kind not in patterns:
        msg = f"function {function!r}: the route constraint {kind!r} is not supported by this host"
        raise StartupError(msg)
    return f"(?={patterns[kind]}(?:/|$))"
