"""Checks that every installed package of a requirements file has an allowed licence. Standard library only.

Usage: python check_licences.py REQUIREMENTS. licences.toml, beside this file, says what is allowed.
"""

from __future__ import annotations

import re
import sys
import tomllib
from importlib.metadata import PackageNotFoundError, distribution
from pathlib import Path
from typing import Any

RULES = Path(__file__).with_name("licences.toml")


def packages_of(requirements: str) -> list[str]:
    """Return the names in a compiled requirements file, without repeats."""
    return list(dict.fromkeys(re.findall(r"^([\w.-]+)==", requirements, re.MULTILINE)))


def stated_licences(metadata: Any) -> list[str]:
    """Return what a package says about its licence, the most exact statement first."""
    classifiers = [
        text.rpartition("::")[2].strip()
        for text in metadata.get_all("Classifier") or []
        if text.startswith("License ::")
    ]
    lines = (metadata.get("License") or "").strip().splitlines()
    return [text for text in (metadata.get("License-Expression"), *lines[:1], *classifiers) if text]


def is_allowed(stated: str, rules: dict[str, Any]) -> bool:
    """Return whether a statement is allowed: every part that AND joins, and one of those that OR joins."""

    def allowed(name: str) -> bool:
        return rules["aliases"].get(name, name) in rules["allowed"]

    if allowed(stated.strip()):
        return True
    parts = [part.strip(" ()") for part in re.split(r"\bAND\b", stated)]
    return all(any(allowed(choice.strip(" ()")) for choice in re.split(r"\bOR\b", part)) for part in parts)


def fault_of(package: str, rules: dict[str, Any]) -> str | None:
    """Return why a package may not be used; None if it may, or if it is not installed on this platform."""
    try:
        stated = stated_licences(distribution(package).metadata)
    except PackageNotFoundError:
        return None
    if package in rules["exceptions"] or any(is_allowed(each, rules) for each in stated):
        return None
    return f"{package}: {', '.join(stated) or 'names no licence'}. Look at its licence, then add it to {RULES.name}."


def main(requirements: str) -> int:
    rules = tomllib.loads(RULES.read_text(encoding="utf-8"))
    names = packages_of(Path(requirements).read_text(encoding="utf-8"))
    faults = [fault for name in names if (fault := fault_of(name, rules))]
    unused = sorted(set(rules["exceptions"]) - set(names))
    faults += [f"{name}: {RULES.name} has an exception for a package that is not used." for name in unused]
    for fault in faults:
        print(fault, file=sys.stderr)  # noqa: T201 - a program of the pipeline
    if not faults:
        print(f"{len(names)} packages have allowed licences.")  # noqa: T201 - as above
    return 1 if faults else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1]))
