"""The function app: registers the triggers of all features. Importing it connects to nothing and reads no setting."""

import azure.durable_functions as df
import azure.functions as func

from exports.triggers.activities import export_activities
from exports.triggers.http import (
    audit_routes,
    estimate_routes,
    export_routes,
    health_routes,
    job_routes,
    key_routes,
    lookup_routes,
    mapping_routes,
    me_routes,
    notification_routes,
    schedule_routes,
)
from exports.triggers.http.api_docs import docs_routes
from exports.triggers.http.register import http_triggers
from exports.triggers.http.ui import ui_routes
from exports.triggers.http.ui.problem_page import problem_as_page
from exports.triggers.orchestrators import export_orchestrators
from exports.triggers.tick_timer import tick_timer
from exports.wiring import services_from_environment
from shared.process_setup import prepare_process

prepare_process()

ROUTES = (
    *export_routes.ROUTES,
    *estimate_routes.ROUTES,
    *lookup_routes.ROUTES,
    *job_routes.ROUTES,
    *notification_routes.ROUTES,
    *mapping_routes.ROUTES,
    *schedule_routes.ROUTES,
    *key_routes.ROUTES,
    *audit_routes.ROUTES,
    *me_routes.ROUTES,
    *health_routes.ROUTES,
    *docs_routes.ROUTES,
    *ui_routes.ROUTES,
)

app = df.DFApp(http_auth_level=func.AuthLevel.ANONYMOUS)
for blueprint in (
    http_triggers(services_from_environment, ROUTES, problem_as_page),
    export_activities(services_from_environment),
    export_orchestrators(),
    tick_timer(services_from_environment),
):
    app.register_functions(blueprint)
