"""Exports as data frames, with the extras `pandas` and `polars` of this package.

Every column is text, as in the file: codes keep their zeros, and no reader turns a number or a date into another one.
Cells without a value are missing values.
"""

from __future__ import annotations

import tempfile
from collections.abc import Callable
from importlib import import_module
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

from client_export.client import ExportClient
from client_export.request import RequestLike, body_of

if TYPE_CHECKING:
    import pandas
    import polars

T = TypeVar("T")

_PLAIN = {"preset": "rfc4180", "formulaGuard": False}
"""A data frame runs no formulas, so cells need no apostrophe in front of them."""


def to_pandas(
    client: ExportClient, request: RequestLike | None = None, *, timeout_seconds: float | None = None
) -> pandas.DataFrame:
    """Export clients, prove the file, and return it as a data frame of pandas. Ignores the format of the request."""
    library = _library("pandas")
    return _read(
        client,
        request,
        timeout_seconds,
        lambda path: library.read_csv(
            path,
            dtype=str,
            na_values=[""],
            keep_default_na=False,
            skip_blank_lines=False,  # a line of blanks is a client whose only cell holds blanks
        ),
    )


def to_polars(
    client: ExportClient, request: RequestLike | None = None, *, timeout_seconds: float | None = None
) -> polars.DataFrame:
    """Export clients, prove the file, and return it as a data frame of polars. Ignores the format of the request."""
    library = _library("polars")
    read: Callable[[Path], polars.DataFrame] = lambda path: library.read_csv(path, infer_schema=False, null_values=[""])  # noqa: E731
    return _read(client, request, timeout_seconds, read)


def _library(name: str) -> Any:
    try:
        return import_module(name)
    except ModuleNotFoundError as error:
        message = f"{name} is not installed. Run: pip install 'client-export-client[{name}]'"
        raise ModuleNotFoundError(message, name=error.name) from None


def _read(
    client: ExportClient, request: RequestLike | None, timeout_seconds: float | None, read: Callable[[Path], T]
) -> T:
    body: dict[str, Any] = {**body_of(request), "format": _PLAIN, "includeHeaders": True}
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "clients.csv"
        client.export_to(path, body, timeout_seconds=timeout_seconds)
        return read(path)
