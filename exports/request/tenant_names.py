"""The names of tenants for people, as an app setting gives them."""

from __future__ import annotations

import re
from typing import Any, LiteralString

from pydantic_core import PydanticCustomError

from exports.request.json_setting import parse_json_setting
from shared.api_keys import TENANT_PATTERN

_MAX_CHARACTERS = 100
_SHAPE: LiteralString = 'give one JSON object of tenants and their names, such as {"northwind": "Northwind Ltd"}'


def read_tenant_names(value: Any) -> Any:
    """Parse the JSON of the setting; an empty text names no tenant. The texts of faults show no value."""
    if not isinstance(value, str):
        return value
    parsed, repeated = parse_json_setting(value)
    if parsed is None or not all(isinstance(name, str) for name in parsed.values()):
        raise PydanticCustomError("tenant_names", _SHAPE)
    if repeated:
        raise PydanticCustomError("repeated", "name each tenant only once")
    if not all(re.fullmatch(TENANT_PATTERN, tenant) for tenant in parsed):
        raise PydanticCustomError("tenant", "write each tenant as in the paths of the API")
    names = {tenant: name.strip() for tenant, name in parsed.items()}
    if not all(name.isprintable() and 0 < len(name) <= _MAX_CHARACTERS for name in names.values()):
        raise PydanticCustomError("name", "give each tenant a name of one line, of 1 to 100 characters")
    return names
