"""The requests that jobs are made of. The name of a request is the name of its file, so every job tells its own."""

from __future__ import annotations

from typing import Any

BODIES: dict[str, dict[str, Any]] = {
    "full": {"format": {"fileName": "full"}},
    "narrow": {
        "columnMappings": [
            {"csvHeader": "Client", "targetField": "Name"},
            {"csvHeader": "Code", "targetField": "Code"},
            {"csvHeader": "Joined", "targetField": "IncorporationDate"},
        ],
        "format": {"fileName": "narrow", "preset": "excelEu"},
    },
    "gzip": {"format": {"fileName": "gzip", "compression": "gzip"}},
}


def body_of(file_name: str) -> str:
    """The name of the request that gave a file its name."""
    return file_name.partition(".")[0]
