"""HTTP route: the ui, for people who export with a browser."""

from __future__ import annotations

from functools import cache

import azure.functions as func

from exports.triggers.http.cacheable import html_response, html_route
from exports.triggers.http.routes import Api
from exports.triggers.http.ui.render import content_policy, render_ui


def export_page(req: func.HttpRequest, _: Api) -> func.HttpResponse:
    return html_response(req, _html(), content_policy())


@cache
def _html() -> bytes:
    """Render the ui, once in each process, when it is first requested."""
    return render_ui().encode()


ROUTES = (html_route(export_page, "", "Open the ui in a browser: start exports, watch them, download their files"),)
