"""Finds resources in an ARM template, which the Bicep compiler makes."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any


def all_resources(template: Any) -> Iterator[Any]:
    """Yield the resources of a template and of its modules."""
    for resource in template["resources"]:
        yield resource
        if resource["type"] == "Microsoft.Resources/deployments":
            yield from all_resources(resource["properties"]["template"])


def module(resources: list[Any], name: str) -> Any:
    """Return the use of a module."""
    (found,) = [
        item for item in resources if item["type"] == "Microsoft.Resources/deployments" and item["name"] == name
    ]
    return found["properties"]


def of_type(resources: list[Any], kind: str) -> list[Any]:
    found = [resource for resource in resources if resource["type"] == kind]
    assert found, kind
    return found
