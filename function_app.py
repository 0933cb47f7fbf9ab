"""The function app: composes the triggers of all features. Connects to nothing and reads no setting when imported."""

import azure.durable_functions as df
import azure.functions as func

from exports.services import services_from_environment
from exports.triggers import (
    docs_http,
    estimate_http,
    export_http,
    health_http,
    job_http,
    mapping_http,
    page_http,
    schedule_http,
)
from exports.triggers.export_activities import export_activities
from exports.triggers.export_orchestrators import export_orchestrators
from exports.triggers.schedule_timer import schedule_timer
from exports.triggers.watch_timer import watch_timer

ROUTES = (
    *export_http.ROUTES,
    *estimate_http.ROUTES,
    *job_http.ROUTES,
    *mapping_http.ROUTES,
    *schedule_http.ROUTES,
    *health_http.ROUTES,
    *docs_http.ROUTES,
    *page_http.ROUTES,
)

app = df.DFApp(http_auth_level=func.AuthLevel.ANONYMOUS)
for blueprint in (
    export_http.export_http(services_from_environment),
    estimate_http.estimate_http(services_from_environment),
    job_http.job_http(services_from_environment),
    mapping_http.mapping_http(services_from_environment),
    schedule_http.schedule_http(services_from_environment),
    export_activities(services_from_environment),
    export_orchestrators(),
    schedule_timer(services_from_environment),
    watch_timer(services_from_environment),
    health_http.health_http(services_from_environment, ROUTES),
    docs_http.docs_http(ROUTES),
    page_http.page_http(),
):
    app.register_functions(blueprint)
