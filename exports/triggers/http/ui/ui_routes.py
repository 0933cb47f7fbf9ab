"""HTTP trigger: the export page."""

from __future__ import annotations

from functools import cache

import azure.durable_functions as df
import azure.functions as func

from exports.triggers.http.cacheable import cacheable_page, html_route
from exports.triggers.http.register import add_open_route
from exports.triggers.http.ui.render import content_policy, render_ui

PAGE = html_route("export_page", "", "A page for people: start exports, watch them, download their files")
ROUTES = (PAGE,)


def ui_triggers() -> df.Blueprint:
    """Build the HTTP trigger of the page. Each process renders it once, when first asked."""
    blueprint = df.Blueprint()

    @cache
    def page() -> bytes:
        return render_ui().encode()

    def export_page(req: func.HttpRequest) -> func.HttpResponse:
        return cacheable_page(req, page(), content_policy())

    add_open_route(blueprint, PAGE, export_page)
    return blueprint
