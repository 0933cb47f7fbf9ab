"""The real function app, and an orchestration with one empty activity: `POST /empty-orchestration` runs it once.

It costs what Durable Functions takes for the shortest useful orchestration. The route waits for its end in the way in
which the route of exports waits for a job, so that the two can be compared.
"""

from __future__ import annotations

import asyncio
import time
from typing import Any

import azure.durable_functions as df
import azure.functions as func

from exports.jobs.wait_history import WaitHistory
from tests.faults.real_app import load_real_app

_PAUSE_SECONDS = 0.02
_WAITS = WaitHistory()


def empty_activity(payload: str) -> str:
    return payload


def empty_orchestration(context: Any) -> Any:
    return (yield context.call_activity("empty_activity", "nothing"))


async def run_empty_orchestration(req: func.HttpRequest, client: Any) -> func.HttpResponse:
    instance = await client.start_new("empty_orchestration")
    began = time.monotonic()
    await asyncio.sleep(_WAITS.first_pause_seconds())
    while (status := await client.get_status(instance)).runtime_status is not df.OrchestrationRuntimeStatus.Completed:
        await asyncio.sleep(_PAUSE_SECONDS)
    _WAITS.add(time.monotonic() - began)
    return func.HttpResponse(status.output, status_code=201)


app = load_real_app()
blueprint = df.Blueprint()
blueprint.activity_trigger(input_name="payload")(empty_activity)
blueprint.orchestration_trigger(context_name="context")(empty_orchestration)
blueprint.route(route="empty-orchestration", methods=["POST"])(
    blueprint.durable_client_input(client_name="client")(run_empty_orchestration)
)
app.register_functions(blueprint)
