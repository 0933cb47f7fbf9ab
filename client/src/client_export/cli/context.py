"""What the commands share: the chosen profile, and the consoles."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any, Protocol, TypeVar

import typer
from rich.console import Console
from rich.table import Table

from client_export.cli.profiles import find_profile
from client_export.cli.terminal import one_line, plain, write_json
from client_export.client import ExportClient
from client_export.models import Json


class Listed(Protocol):
    """A thing that the service lists, with the whole answer about it."""

    @property
    def raw(self) -> Json:
        """What the service says of it."""


T = TypeVar("T", bound=Listed)

AsJson = Annotated[bool, typer.Option("--json", help="Print JSON, for programs.")]


@dataclass(frozen=True, slots=True)
class Choice:
    """The options before the command."""

    profile: str | None = None
    url: str | None = None
    tenant: str | None = None
    token_file: Path | None = None
    allow_http: bool = False


@contextmanager
def service(context: typer.Context) -> Iterator[ExportClient]:
    """Open the client of the chosen profile."""
    choice: Choice = context.obj or Choice()
    profile = find_profile(choice.profile, choice.url, choice.tenant, choice.token_file, allow_http=choice.allow_http)
    with profile.open() as client:
        yield client


def messages() -> Console:
    """Return the console for progress and remarks: the error stream, so that the output stays clean."""
    return Console(stderr=True, highlight=False)


def say(text: str) -> None:
    """Print a remark."""
    messages().print(plain(text), markup=False, soft_wrap=True)


def print_json(value: Any) -> None:
    """Print a value for programs."""
    write_json(sys.stdout, value, indent=2)


def print_list(
    found: Iterable[T], as_json: bool, headers: Sequence[str], cells: Callable[[T], Sequence[str | None]]
) -> None:
    """Print what the service has listed: its answers for programs, otherwise a table with a row for each item."""
    if as_json:
        print_json([item.raw for item in found])
    else:
        print_table(headers, map(cells, found))


def print_facts(facts: Mapping[str, Any]) -> None:
    """Print names and values, one a line, without those that are not known."""
    width = max((len(name) for name in facts), default=0)
    for name, value in facts.items():
        if value is not None:
            sys.stdout.write(f"{name:<{width}}  {one_line(str(value))}\n")


def print_table(headers: Sequence[str], rows: Iterable[Sequence[str | None]]) -> None:
    """Print a table; on a pipe, one line of tab-separated cells for each row."""
    console = Console(highlight=False, markup=False)
    if not console.is_terminal:
        for row in rows:
            sys.stdout.write("\t".join(map(one_line, row)) + "\n")
        return
    table = Table(*map(one_line, headers), box=None, pad_edge=False)
    for row in rows:
        table.add_row(*map(one_line, row))
    console.print(table)
