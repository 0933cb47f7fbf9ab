"""HTTP route: the ui, for people who export with a browser."""

from __future__ import annotations

from functools import cache

import azure.functions as func

from exports.triggers.http.cacheable import html_response, html_route
from exports.triggers.http.routes import Api
from exports.triggers.http.ui.render import content_policy, render_ui
from exports.triggers.http.ui.texts import choose_language


def export_page(req: func.HttpRequest, _: Api) -> func.HttpResponse:
    language = choose_language(req.params.get("lang"), req.headers.get("accept-language"))
    answer = html_response(req, _html(language), content_policy())
    answer.headers["Content-Language"] = language
    answer.headers["Vary"] = "Accept-Language"
    return answer


@cache
def _html(language: str) -> bytes:
    """Render the ui, once in each process and language, when it is first requested."""
    return render_ui(language).encode()


ROUTES = (html_route(export_page, "", "Open the ui in a browser: start exports, watch them, download their files"),)
