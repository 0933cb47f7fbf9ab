"""What neither an answer nor the log may ever show: secrets, clients, and of answers the inside of the service too."""

from __future__ import annotations

import json
import re
import sqlite3
from collections.abc import Iterator, Mapping
from typing import Any, Protocol

_INTERNAL = re.compile(
    r"Traceback|site-packages|\.py\b|sqlalchemy|sqlite|psycopg|azure\.|pydantic|\bSELECT\b|AccountKey|devstoreaccount1"
    r"|sig=|/tmp/|\b[A-Z]\w*(?:Error|Exception)\b",
    re.IGNORECASE,
)
_KEY = re.compile(r"cx_[a-z2-7]{12}_[A-Za-z0-9_-]{43}")
_ONE_WORD = ("email", "contact_email", "ni_number", "vat_number", "company_number", "paye_ref", "company_utr")
_WORDS = ("name", "contact_name", "registered_address_line1", "contact_phone")
_FEW_CLIENTS = 50
_SHORTEST = 8
"""Shorter cells may stand in a log by chance."""


class AnAnswer(Protocol):
    """What came back."""

    @property
    def status(self) -> int: ...
    @property
    def headers(self) -> dict[str, str]: ...
    @property
    def body(self) -> bytes: ...


def assert_tells_nothing_internal(answer: AnAnswer) -> None:
    """See that a refusal, and the failure that a job is shown with, is in words for the caller."""
    for told in _told(answer):
        found = _INTERNAL.search(told)
        assert found is None, f"{found[0]!r} in {told}"


def _told(answer: AnAnswer) -> Iterator[str]:
    if not answer.headers.get("content-type", "").partition(";")[0].endswith("json"):
        return
    document: Any = json.loads(answer.body)
    if answer.status >= 400:
        # the path is the caller's own
        yield json.dumps({name: value for name, value in document.items() if name != "instance"})
    elif isinstance(document, dict):
        yield json.dumps(document.get("failure"))


def secrets_of(settings: Mapping[str, str]) -> list[str]:
    """The secrets among app settings."""
    found = re.findall(r"AccountKey=([^;]+)", settings["EXPORT_STORAGE"])
    return found + settings.get("EXPORT_WEBHOOK_SECRET", "").split()


def leaks_in_log(log: str, secrets: list[str], database_url: str) -> list[str]:
    """Find in a host's log what must not be there: secrets, API keys, signed links, and data of clients."""
    found = [secret for secret in secrets if secret in log]
    found += _KEY.findall(log) + re.findall(r"sig=\S*", log)
    words = set(re.split(r"[\s\"'=,;()<>\[\]]+", log))
    found += sorted(words.intersection(_cells(database_url, _ONE_WORD)))
    return found + [cell for cell in _cells(database_url, _WORDS, _FEW_CLIENTS) if cell in log]


def _cells(database_url: str, columns: tuple[str, ...], clients: int = -1) -> set[str]:
    connection = sqlite3.connect(database_url.removeprefix("sqlite:///"))
    try:
        rows = connection.execute(f"SELECT {', '.join(columns)} FROM client_records LIMIT ?", (clients,))
        return {cell for row in rows for cell in row if cell and len(cell) >= _SHORTEST}
    finally:
        connection.close()
