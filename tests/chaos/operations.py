"""Gives requests to Azure Storage a name (`put block`, `update exportjobs`, …), and reads writes of job rows."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any
from urllib.parse import parse_qs, unquote

from devhost.local.paths import ROOT

_TABLE = re.compile(r"/[^/]+/(?P<table>\w+)(?P<keys>\(.*\))?$")
_KEYS = re.compile(r"\(PartitionKey='(?P<partition>.*)',RowKey='(?P<row>.*)'\)")
_OPERATION = re.compile(
    rb"^(?P<method>[A-Z]+) https?://[^/ ]+(?P<path>/[^ ?]*)\S* HTTP/1.1\r\n(?:[^\r\n]+\r\n)*\r\n(?P<body>[^\r\n]*)",
    re.MULTILINE,
)
_INNER_ERROR = re.compile(rb"^HTTP/1.1 [45]", re.MULTILINE)
_ON_ROWS = {"GET": "find", "PUT": "update", "MERGE": "update", "PATCH": "update", "DELETE": "delete"}
JOBS = "exportjobs"
_TASK_HUB = str(json.loads((ROOT / "host.json").read_text())["extensions"]["durableTask"]["hubName"]).lower()


@dataclass(frozen=True, slots=True)
class JobWrite:
    """A write of a job's row that storage accepted."""

    at: float
    tenant: str
    code: str
    status: str
    attempt: int
    total_items: int | None
    settled_items: int


def blob_operation(method: str, path: str, query: str) -> str:
    """Return the name of a request to the blob service; the name says so if it is about a container."""
    parameters = {name: values[0] for name, values in parse_qs(query, keep_blank_values=True).items()}
    comp = parameters.get("comp", "")
    if parameters.get("restype") == "container" or path.count("/") < 3:
        return f"{method.lower()} container {comp}".strip()
    return f"{method.lower()} {comp or 'blob'}"


def first_of_transaction(method: str, path: str, body: bytes) -> tuple[str, str, bytes]:
    """Return method, path and body of the first operation of a transaction; of any other request, its own."""
    found = _OPERATION.search(body) if path.endswith("/$batch") else None
    if found is None:
        return method, path, body
    return found["method"].decode(), found["path"].decode(), found["body"]


def is_refused_transaction(path: str, answer: bytes) -> bool:
    """Return whether storage refused a transaction and changed nothing: its answer is 202, with the error inside."""
    return path.endswith("/$batch") and _INNER_ERROR.search(answer) is not None


def table_operation(method: str, path: str) -> str:
    """Return the name of a request to the table service. The name of a transaction is that of its first operation."""
    found = _TABLE.match(unquote(path))
    if found is None:
        return f"{method.lower()} {path.rpartition('/')[2]}"
    table, keys = found["table"], found["keys"]
    if table == "Tables":
        return f"{method.lower()} tables"
    if keys is None:
        return f"{'insert' if method == 'POST' else 'query'} {table}"
    return f"{_ON_ROWS.get(method, method.lower())} {table}" if _KEYS.match(keys) else f"query {table}"


def is_of_task_hub(path: str) -> bool:
    """Return whether a request is about a table or container of the Durable extension. It polls them all the time."""
    return path.lower().startswith(_TASK_HUB, path.find("/", 1) + 1)


def job_write(operation: str, path: str, body: bytes, at: float) -> JobWrite | None:
    """Parse a write of a job's row; return None for any other request."""
    if operation not in (f"insert {JOBS}", f"update {JOBS}"):
        return None
    row: dict[str, Any] = json.loads(body)
    keys = _KEYS.search(unquote(path))
    return JobWrite(
        at=at,
        tenant=keys["partition"] if keys else row["PartitionKey"],
        code=keys["row"] if keys else row["RowKey"],
        status=row["status"],
        attempt=int(row["attempt"]),
        total_items=_number(row.get("totalItems")),
        settled_items=_number(row.get("settledItems")) or 0,
    )


def is_conditional(headers: Mapping[str, str]) -> bool:
    """Return whether a write has a condition on the version of the row."""
    return headers.get("If-Match", "*") != "*"


def _number(value: Any) -> int | None:
    return None if value is None else int(value)
