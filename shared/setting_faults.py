"""Says in plain words what is wrong with a setting. The words never show its value, because it may be a secret."""

from __future__ import annotations

import re

from pydantic_core import ErrorDetails

_WORDS = {
    "missing": "set it, because it has no default",
    "int_parsing": "give a whole number",
    "int_from_float": "give a whole number",
    "int_parsing_size": "give a smaller number",
    "float_parsing": "give a number",
    "finite_number": "give a number",
    "bool_parsing": "give true or false",
    "string_type": "give a text",
    "tuple_type": 'give a list, such as ["…"]',
    "list_type": 'give a list, such as ["…"]',
    "dict_type": "give a JSON object",
    "model_type": "give a JSON object",
    "model_attributes_type": "give a JSON object",
    "mapping_type": "give a JSON object",
    "extra_forbidden": "remove it or correct its spelling, because there is no property of this name",
    "too_short": "do not leave it empty",
    "string_too_short": "do not leave it empty",
    "string_pattern_mismatch": "remove the characters that it must not have",
}
_BOUNDS = {
    "greater_than": ("gt", "give a number greater than {}"),
    "greater_than_equal": ("ge", "give {} or more"),
    "less_than": ("lt", "give a number less than {}"),
    "less_than_equal": ("le", "give {} or less"),
    "too_long": ("max_length", "give at most {}"),
    "string_too_long": ("max_length", "give at most {} characters"),
}


def describe_setting_fault(fault: ErrorDetails) -> str:
    """Return the name of the setting, or of the part of it that is wrong, and what to change."""
    place = [str(part) for part in fault["loc"]]
    advice = "add it" if fault["type"] == "missing" and len(place) > 1 else _advice(fault)
    return ": ".join(part for part in (".".join(place), advice) if part)


def _advice(fault: ErrorDetails) -> str:
    if fault["type"] in _BOUNDS:
        name, words = _BOUNDS[fault["type"]]
        return words.format(f"{fault['ctx'][name]:,}".removesuffix(".0"))
    if fault["type"] in ("enum", "literal_error"):
        return "choose from " + ", ".join(re.findall(r"'([^']*)'", fault["ctx"]["expected"]))
    return _WORDS.get(fault["type"], fault["msg"])
