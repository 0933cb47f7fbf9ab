"""The export requests of the runs. Each request uses its own name as file name, so a job shows which one it has."""

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
    """Return the name of the request that a file name comes from."""
    return file_name.partition(".")[0]
