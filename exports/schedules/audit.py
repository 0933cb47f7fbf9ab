"""Audit entries for actions on schedules."""

from __future__ import annotations

from datetime import datetime

from exports.jobs.audit import AuditAction, AuditEntry, field_names, shown_filter
from exports.schedules.schedule import Schedule


def schedule_entry(action: AuditAction, actor: str, schedule: Schedule, moment: datetime) -> AuditEntry:
    """Build the audit entry for an action on a schedule."""
    request = schedule.content.request
    return AuditEntry(
        tenant=schedule.tenant,
        moment=moment,
        action=action,
        actor=actor,
        code=schedule.code,
        fields=field_names(request.column_mappings or ()),
        filter=shown_filter(request.filter),
    )
