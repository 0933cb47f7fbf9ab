"""Objects whose every field has a value of its own that is not its default, to show that storing one loses no field."""

from __future__ import annotations

import dataclasses
from datetime import datetime, timedelta
from enum import Enum
from itertools import count
from typing import Any, TypeVar, get_args, get_type_hints

from pydantic import BaseModel

from exports.jobs.failures import Failure
from exports.jobs.snapshot import TakenSnapshot
from exports.mappings.mapping import MappingContent
from exports.request.body import NotifyDto
from exports.request.spec import ExportSpec
from exports.schedules.schedule import ScheduleContent, ScheduleState
from tests.support.builders import NOON, a_mapping, a_schedule, a_spec

T = TypeVar("T")
_EXAMPLES: dict[Any, Any] = {
    tuple[str, ...]: ("website", "email"),
    ExportSpec: a_spec(include_headers=False),
    Failure: Failure(code="stalled", message="Why.", retryable=True, resumable=True),
    TakenSnapshot: TakenSnapshot(moment=NOON, token="746:748:747", attempt=2),
    NotifyDto: NotifyDto(webhook_url="https://hooks.example/exports"),
    MappingContent: a_mapping().content,
    ScheduleContent: a_schedule(name="Every field").content,
    ScheduleState: ScheduleState(next_slot=NOON, watermark_of="0" * 64),
}


def with_every_field(model: type[T], *, omit: frozenset[str] = frozenset()) -> T:
    """Build an object of a dataclass or pydantic model, with a distinct value in every field but those to omit."""
    numbers = count(1)
    hints = get_type_hints(model)
    return model(**{name: _a_value(hints[name], next(numbers)) for name in field_names(model) if name not in omit})


def field_names(model: type[Any]) -> list[str]:
    """List the fields of a dataclass or a pydantic model."""
    if issubclass(model, BaseModel):
        return list(model.model_fields)
    return [each.name for each in dataclasses.fields(model)]


def _a_value(hint: Any, number: int) -> Any:
    kind = next((kind for kind in get_args(hint) if kind is not type(None)), hint)
    if kind in _EXAMPLES:
        return _EXAMPLES[kind]
    if issubclass(kind, Enum):
        return list(kind)[-1]
    if kind is datetime:
        return NOON + timedelta(days=number, microseconds=1)
    return kind(number)
