"""Orchestration triggers. The name of a function is its durable name, a published format."""

from __future__ import annotations

import azure.durable_functions as df

from exports.workflow.export_job import export_job
from exports.workflow.export_wave import export_wave
from exports.workflow.webhook_delivery import webhook_delivery


def export_orchestrators() -> df.Blueprint:
    """Build the orchestration triggers of exports."""
    blueprint = df.Blueprint()
    for orchestrator in (export_job, export_wave, webhook_delivery):
        blueprint.orchestration_trigger(context_name="context")(orchestrator)
    return blueprint
