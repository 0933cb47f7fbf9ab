"""Manifests that prove nothing, made of a good one. `verify`, the page and the Python client must refuse every one.

A test holds that each contradiction that `verify` finds is among them.
"""

from __future__ import annotations

import copy
import hashlib
from typing import Any

Document = dict[str, Any]


def contradictions(manifest: Document) -> dict[str, Document]:
    """Return manifests as JSON, by what is wrong with them.

    Args:
        manifest: A manifest of CSV with three pages or more, in which the database has ranked the codes of all clients.
    """
    count, rows = len(manifest["pages"]), manifest["rows"]
    assert count > 2
    assert manifest["keyOrder"] == "RankedBySource"
    assert manifest["pages"][1]["rows"]
    return {
        "other number of clients": manifest | {"rows": rows + 1, "countedRows": rows + 1},
        "other number of bytes": manifest | {"bytes": manifest["bytes"] + 1},
        "no pages": manifest | {"pages": []},
        "another number of a page": _with_page(manifest, 1, page=2),
        "gap between ranges": _with_page(manifest, 1, start=f"{manifest['pages'][1]['start']}x"),
        "start of a range occurs twice": _with_repeated_start(manifest),
        "first range has a start": _with_page(manifest, 0, start="0"),
        "last range has a stop": _with_page(manifest, count - 1, stop="zzz"),
        "a range in the middle is open": _with_page(_with_page(manifest, 0, stop=None), 1, start=None),
        "one page, but several": manifest | {"keyOrder": "OnePage"},
        "ranked page without its first code": _with_page(manifest, 1, firstCode=None),
        "ranked page without its last code": _with_page(manifest, 1, lastCode=None),
        "clients not counted again": manifest | {"countedRows": rows + 1, "recountedRows": None},
        "clients not counted again, in one page": _of_one_page(manifest) | {"countedRows": rows + 1},
        "another CRC-32 of the whole": manifest | {"crc32": "00000000"},
        "no CRC-32 of the whole": manifest | {"crc32": None},
        "another CRC-32 of a page": _with_page(manifest, 1, crc32="00000000"),
        "another CRC-32 of the whole, and none of pages": _without_crc32_of_pages(manifest | {"crc32": "00000000"}),
        "frame after the last page of all": manifest | {"frames": [_empty_frame(count + 1)]},
        "frames in the wrong order": manifest | {"frames": [_empty_frame(1), _empty_frame(0)]},
    }


def _with_page(manifest: Document, number: int, **changes: Any) -> Document:
    changed = copy.deepcopy(manifest)
    changed["pages"][number] |= changes
    return changed


def _of_one_page(manifest: Document) -> Document:
    whole = {name: manifest[name] for name in ("rows", "bytes", "crc32")}
    return manifest | {"keyOrder": "OnePage", "pages": [manifest["pages"][0] | whole | {"stop": None}]}


def _with_repeated_start(manifest: Document) -> Document:
    start = manifest["pages"][1]["start"]
    return _with_page(_with_page(manifest, 1, stop=start), 2, start=start)


def _without_crc32_of_pages(manifest: Document) -> Document:
    return manifest | {"pages": [page | {"crc32": None} for page in manifest["pages"]]}


def _empty_frame(before_page: int) -> Document:
    return {"beforePage": before_page, "bytes": 0, "sha256": hashlib.sha256().hexdigest(), "crc32": "00000000"}
