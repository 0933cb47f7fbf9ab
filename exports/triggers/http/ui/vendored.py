"""The libraries of others that the page uses: published files, byte for byte, each in a script element of its own.

`python3 dev.py vendor` renews them from the npm packages that `package-lock.json` pins.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from functools import cache
from pathlib import Path

_FOLDER = Path(__file__).parent / "vendor"


@dataclass(frozen=True, slots=True)
class Library:
    """A library, which the page gets as a classic script that defines one global name.

    Attributes:
        script: The text of the published file.
        is_for_sign_in: Whether only the sign-in with an account of the organization needs it.
    """

    name: str
    script: str
    is_for_sign_in: bool


@cache
def libraries(*, with_sign_in: bool = False) -> tuple[Library, ...]:
    """Return the libraries in the order in which the page is to run them."""
    listed = json.loads((_FOLDER / "vendor.json").read_text(encoding="utf-8"))
    read = (
        Library(entry["name"], (_FOLDER / entry["file"]).read_text(encoding="utf-8"), entry["use"] == "sign-in")
        for entry in listed
    )
    return tuple(library for library in read if with_sign_in or not library.is_for_sign_in)
