"""Converts instances to rows of the state file and back, and filters to SQL."""

import json
from dataclasses import astuple
from typing import Any

from devhost.durable.models import Filter, Instance, OpenTask, Parent

INSTANCE_COLUMNS = 18


def instance_from_row(row: tuple[Any, ...]) -> Instance:
    parent = Parent(*row[8:11]) if row[8] is not None else None
    open_tasks = {int(key): OpenTask(*value) for key, value in json.loads(row[17]).items()}
    return Instance(*(*row[:8], parent, *row[11:17], open_tasks))


def row_from_instance(instance: Instance) -> tuple[Any, ...]:
    parent = astuple(instance.parent) if instance.parent else (None, None, None)
    open_tasks = {key: (o.kind, o.leaf, o.attempt, o.max_attempts) for key, o in instance.open.items()}
    i = instance
    return (
        *(i.id, i.name, i.version, i.status, i.input, i.output, i.custom_status, i.execution, *parent),
        *(i.created, i.updated, i.next_task, i.leaves, i.fingerprint, i.events, json.dumps(open_tasks)),
    )


def where_clause(query: Filter) -> tuple[str, list[Any]]:
    """Return the SQL condition of a filter, and the values for its placeholders."""
    clauses, values = ["1"], list[Any]()
    if query.created_from is not None:
        clauses.append("created >= ?")
        values.append(query.created_from)
    if query.created_to is not None:
        clauses.append("created <= ?")
        values.append(query.created_to)
    if query.prefix:
        clauses.append("substr(id, 1, ?) = ?")
        values += [len(query.prefix), query.prefix]
    if query.statuses:
        clauses.append(f"status IN ({', '.join('?' * len(query.statuses))})")
        values += query.statuses
    return " AND ".join(clauses), values
