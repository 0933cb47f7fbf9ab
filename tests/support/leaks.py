"""Finds leaks: secrets and client data in responses and logs, and internals of the service in responses."""

from __future__ import annotations

import json
import re
import sqlite3
from collections.abc import Iterator, Mapping

from tests.support.http_client import Response

_INTERNAL = re.compile(
    r"Traceback|site-packages|\.py\b|sqlalchemy|sqlite|psycopg|azure\.|pydantic|\bSELECT\b|AccountKey|devstoreaccount1"
    r"|sig=|/tmp/|\b[A-Z]\w*(?:Error|Exception)\b",
    re.IGNORECASE,
)
_KEY = re.compile(r"cx_[a-z2-7]{12}_[A-Za-z0-9_-]{43}")
_ONE_WORD = ("email", "contact_email", "ni_number", "vat_number", "company_number", "paye_ref", "company_utr")
_WORDS = ("name", "contact_name", "registered_address_line1", "contact_phone")
_FEW_CLIENTS = 50
_MIN_CELL_CHARACTERS = 8
"""A log may contain shorter cells by chance."""


def dropped_records(log: str) -> list[str]:
    """Return the lines in which devhost says that it dropped a log record, as the real host would have."""
    return [line for line in log.splitlines() if "dropped a log record outside of an invocation" in line]


def assert_shows_nothing_internal(response: Response) -> None:
    """Check that a problem document, or the failure of a job, shows no internals of the service."""
    for text in _explanations(response):
        found = _INTERNAL.search(text)
        assert found is None, f"{found[0]!r} in {text}"


def _explanations(response: Response) -> Iterator[str]:
    if not response.headers.get("content-type", "").partition(";")[0].endswith("json"):
        return
    document = response.json
    if response.status >= 400:
        # `instance` is the path that the caller sent
        yield json.dumps({name: value for name, value in document.items() if name != "instance"})
    elif isinstance(document, dict):
        yield json.dumps(document.get("failure"))


def secrets_of(settings: Mapping[str, str]) -> list[str]:
    """Return the secrets that the app settings contain."""
    found = re.findall(r"AccountKey=([^;]+)", settings["EXPORT_STORAGE"])
    return found + settings.get("EXPORT_WEBHOOK_SECRET", "").split()


def leaks_in_log(log: str, secrets: list[str], database_url: str) -> list[str]:
    """Return every secret, API key, signed link and piece of client data in a host's log."""
    found = [secret for secret in secrets if secret in log]
    found += _KEY.findall(log) + re.findall(r"sig=\S*", log)
    words = set(re.split(r"[\s\"'=,;()<>\[\]]+", log))
    found += sorted(words.intersection(_cells(database_url, _ONE_WORD)))
    return found + [cell for cell in _cells(database_url, _WORDS, _FEW_CLIENTS) if cell in log]


def _cells(database_url: str, columns: tuple[str, ...], clients: int = -1) -> set[str]:
    connection = sqlite3.connect(database_url.removeprefix("sqlite:///"))
    try:
        rows = connection.execute(f"SELECT {', '.join(columns)} FROM client_records LIMIT ?", (clients,))
        return {cell for row in rows for cell in row if cell and len(cell) >= _MIN_CELL_CHARACTERS}
    finally:
        connection.close()
