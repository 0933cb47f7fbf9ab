"""HTTP route: the ui, for people who export with a browser."""

from __future__ import annotations

import gzip
from functools import cache

import azure.functions as func

from exports.triggers.http.cacheable import html_response, html_route
from exports.triggers.http.routes import Api
from exports.triggers.http.ui.accounts import Accounts, accounts_of
from exports.triggers.http.ui.render import content_policy, render_ui
from exports.triggers.http.ui.texts import choose_language

_REFUSALS = ("q=0", "q=0.0", "q=0.00", "q=0.000")


def export_page(req: func.HttpRequest, api: Api) -> func.HttpResponse:
    language = choose_language(req.params.get("lang"), req.headers.get("accept-language"))
    accounts = _accounts(api)
    is_compressed = _accepts_gzip(req.headers.get("accept-encoding", ""))
    html = _compressed(language, accounts) if is_compressed else _html(language, accounts)
    answer = html_response(req, html, content_policy(accounts))
    answer.headers["Content-Language"] = language
    answer.headers["Vary"] = "Accept-Language, Accept-Encoding"
    if is_compressed and answer.status_code == 200:
        answer.headers["Content-Encoding"] = "gzip"
    return answer


def _accounts(api: Api) -> Accounts | None:
    try:
        return accounts_of(api.provide().settings)
    except Exception:  # without its settings the service has no accounts, and the page says what is wrong later
        return None


def _accepts_gzip(accepted: str) -> bool:
    """Return whether `Accept-Encoding` names gzip (RFC 9110, section 12.5.3), and does not refuse it."""
    parts = (part.partition(";") for part in accepted.lower().split(","))
    return any(coding.strip() == "gzip" and weight.replace(" ", "") not in _REFUSALS for coding, _, weight in parts)


@cache
def _html(language: str, accounts: Accounts | None) -> bytes:
    """Render the ui, once in each process and language, when it is first requested."""
    return render_ui(language, accounts).encode()


@cache
def _compressed(language: str, accounts: Accounts | None) -> bytes:
    return gzip.compress(_html(language, accounts), mtime=0)


ROUTES = (
    html_route(
        export_page,
        "",
        "Open the ui in a browser: start exports, watch them, download their files",
        {"Content-Language": "The language of the ui", "Vary": "The request headers that chose language and encoding"},
    ),
)
