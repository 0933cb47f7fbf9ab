"""What a check of a view finds out, beside the types of its columns."""

from __future__ import annotations

from dataclasses import dataclass, field


@dataclass(frozen=True)
class UnstableFunction:
    """A function that may give another value each time it is called. Each step of an export calls it again.

    Attributes:
        kind: As the database says it: `VOLATILE` or `NOT DETERMINISTIC`.
        view: The view that calls it: `clients`, or one that `clients` reads.
    """

    name: str
    kind: str
    view: str


@dataclass(frozen=True)
class ChangedCollation:
    """A collation that may sort otherwise than when the indexes were built.

    Attributes:
        name: As a statement names it; for the default one, `of the database` and its name.
        recorded: The version when it was created or last refreshed.
        present: The version of the library that compares now.
        refresh: The statement that records the present version, once the indexes are built again.
    """

    name: str
    recorded: str
    present: str
    refresh: str


@dataclass(frozen=True)
class KeyUse:
    """How the database would read one page: the clients of one tenant in a range of codes, in order.

    Attributes:
        is_indexed: Whether an index gives the clients of a page in order, or would do so in a larger table.
        index: The name of the index; empty if there is none.
        plan: What the database would do, in a few words.
        change: The statement that makes the index, or what keeps an index from serving.
    """

    is_indexed: bool
    plan: str
    index: str = ""
    change: str = ""


@dataclass(frozen=True)
class Tenants:
    """The first tenants of the view.

    Attributes:
        is_complete: Whether there are no others.
        clients: The number of clients of the one tenant that was asked for; None if it was not counted.
    """

    names: tuple[str, ...] = ()
    is_complete: bool = True
    clients: int | None = None


@dataclass(frozen=True)
class Sample:
    """The first clients of one tenant, read and written as an export does it."""

    tenant: str
    clients: int
    seconds: float

    @property
    def clients_per_second(self) -> int:
        """The speed at which one page is read and written."""
        return round(self.clients / max(self.seconds, 0.001))


@dataclass(frozen=True)
class DeletionColumn:
    """A column of the view of deleted clients. `problem`: why exports with `since` fail by it; empty if none does."""

    name: str
    type_name: str
    problem: str = ""


@dataclass
class Findings:
    """What was found; None stands for what was not found out.

    Attributes:
        first_seconds: Until the first client of the tenant came. Each page waits as long.
        problems: Why an export would fail, by the column of which a value was found.
        reasons: Why else an export would fail.
        notes: What does not fail an export but should be known, and what was not found out, and why.
        deletions: The columns of the view of deleted clients; None also if there is to be no such view.
        deleted_clients: How many deleted clients of the tenant it has that the view `clients` has not.
    """

    functions: list[UnstableFunction] | None = None
    key: KeyUse | None = None
    tenants: Tenants | None = None
    sample: Sample | None = None
    first_seconds: float | None = None
    problems: dict[str, str] = field(default_factory=dict)
    reasons: list[str] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)
    deletions: list[DeletionColumn] | None = None
    deleted_clients: int | None = None
