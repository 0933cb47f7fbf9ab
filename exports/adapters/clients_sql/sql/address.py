"""Where the client database is, for operators: host, port, database and user, but never the password."""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path
from typing import Self

from sqlalchemy import URL, make_url
from sqlalchemy.exc import ArgumentError

_AUTHORITY = re.compile(r"[\w+]+://(?P<login>.*)@(?P<host>\[[^\]]*\]|[^@:/?]*)[^@]*")
_QUERY = re.compile(r"\?\w+=.*", re.DOTALL)
_NEEDS_ESCAPE = re.compile(r"[@#/:?\[\] ]|%(?![0-9a-fA-F]{2})")
_HINT = (
    "The user name or the password in the URL seems to hold characters that must be percent-encoded there: "
    "write @ as %40, # as %23, / as %2F, : as %3A, ? as %3F and % as %25."
)


def parse_url(url: str) -> URL:
    """Parse a URL.

    Raises:
        ArgumentError: It is malformed. The message quotes nothing of it.
    """
    try:
        return make_url(url)
    except (ValueError, ArgumentError):
        message = "The URL of the client database is malformed."
        raise ArgumentError(message) from None


@dataclass(frozen=True)
class DatabaseAddress:
    """The parts of a database URL that may be shown to operators.

    Attributes:
        is_doubtful: Whether the URL was perhaps split at a character of the password. Then driver errors may quote a
            part of the password.
    """

    host: str = ""
    port: int | None = None
    file: str = ""
    database: str = ""
    user: str = ""
    is_doubtful: bool = False

    @classmethod
    def of(cls, url: str | URL) -> Self:
        """Read the parts of a URL. Of one that may be split in the wrong place, only what follows its last `@`."""
        if isinstance(url, URL):
            return cls._of_parts(url)
        found = _AUTHORITY.fullmatch(_QUERY.sub("", url))
        if found is not None and _is_doubtful(found["login"]):
            return cls(host=found["host"], is_doubtful=True)
        try:
            return cls._of_parts(parse_url(url))
        except ArgumentError:
            return cls()

    def __str__(self) -> str:
        """Return a list of the parts that are known."""
        parts = {
            "file": self.file,
            "host": self.host,
            "port": self.port,
            "database": self.database,
            "user": self.user,
        }
        return ", ".join(f"{name} {part}" for name, part in parts.items() if part)

    def explain(self, advice: str) -> str:
        """Return the sentences for an operator: where the database is, what to change, and a hint about the URL."""
        where = f"Tried {self}." if str(self) else ""
        hint = _HINT if self.is_doubtful else ""
        return " ".join(text for text in (where, advice.format(user=self.user or "the user"), hint) if text)

    @classmethod
    def _of_parts(cls, url: URL) -> Self:
        if url.get_backend_name() == "sqlite":
            return cls(file=str(Path(url.database or "").absolute()))
        return cls(url.host or "", url.port, database=url.database or "", user=url.username or "")


def _is_doubtful(login: str) -> bool:
    user, _, password = login.partition(":")
    return _NEEDS_ESCAPE.search(user) is not None or _NEEDS_ESCAPE.search(password) is not None
