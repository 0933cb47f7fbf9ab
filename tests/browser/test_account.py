"""Signing in with an account: at `oidc-provider`, a server certified by the OpenID Foundation, and back to the page."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

import pytest
from playwright.sync_api import Browser, expect

from tests.browser.test_accessibility import assert_accessible
from tests.support.oidc_server import OidcServer, an_oidc_server
from tests.support.system import HARBOUR, NORTHWIND, System, running_system, sample_database
from tests.support.token_issuer import AUDIENCE
from tests.support.visitor import Visitor

ROLES = {
    "Export.Northwind": {"scopes": ["exports:read", "exports:write"], "tenants": [NORTHWIND]},
    "Export.Admin": {"scopes": ["exports:read"], "tenants": ["*"]},
}
KEPT = "Object.keys(sessionStorage).filter((name) => name.startsWith('client-export.')).length + localStorage.length"

CHANGE = """(changes) => {
  const name = Object.keys(sessionStorage).find((each) => each.includes('.account.user:'));
  const user = JSON.parse(sessionStorage.getItem(name));
  sessionStorage.setItem(name, JSON.stringify({ ...user, ...changes }));
  return user.access_token;
}"""
"""Changes what the tab keeps of the account, and returns its access token."""


@pytest.fixture(scope="module")
def issuer(tmp_path_factory: pytest.TempPathFactory) -> Iterator[OidcServer]:
    with an_oidc_server(tmp_path_factory.mktemp("issuer"), "Export.Northwind") as running:
        yield running


@pytest.fixture(scope="module")
def system(tmp_path_factory: pytest.TempPathFactory, issuer: OidcServer) -> Iterator[System]:
    directory = tmp_path_factory.mktemp("accounts")
    settings = {
        "EXPORT_TOKEN_ISSUER": issuer.url,
        "EXPORT_TOKEN_AUDIENCE": AUDIENCE,
        "EXPORT_TOKEN_ROLES": json.dumps(ROLES),
        "EXPORT_TENANT_NAMES": json.dumps({NORTHWIND: "Northwind Ltd"}),
        "EXPORT_SIGN_IN_CLIENT_ID": "export-page",
        "EXPORT_SIGN_IN_SCOPES": "openid offline_access",
    }
    with running_system(directory, sample_database(directory, 200), settings, workers=1) as running:
        yield running


@pytest.fixture
def visitor(browser: Browser, system: System, issuer: OidcServer) -> Iterator[Visitor]:
    context = browser.new_context(viewport={"width": 320, "height": 640}, locale="en-GB", reduced_motion="reduce")
    try:
        visitor = Visitor(context.new_page(), system, issuer=issuer.url)
        yield visitor
        visitor.assert_no_errors()
    finally:
        context.close()


def sign_in(visitor: Visitor) -> None:
    visitor.at("#account").click()
    visitor.at("#be-ada").click()
    expect(visitor.at("#work")).to_be_visible()


def test_a_person_signs_in_with_an_account_and_exports(visitor: Visitor, system: System) -> None:
    visitor.page.goto(f"{system.url}/?lang=en#history")
    assert_accessible(visitor)
    sign_in(visitor)

    assert visitor.page.url == f"{system.url}/?lang=en#history"
    visitor.expect_text("#signed-in-name", "Ada Byron")
    visitor.expect_text("#signed-in-tenant", "Clients of Northwind Ltd")
    assert_accessible(visitor)
    visitor.go("export")
    visitor.export()
    visitor.expect_status("Completed")
    sent = [request.headers for request in visitor.requests if "/clients/export/csv" in request.url]
    assert all(headers["authorization"].startswith("Bearer ey") for headers in sent)
    assert not any("x-api-key" in headers for headers in sent)


@pytest.mark.thorough
def test_an_account_for_every_tenant_takes_the_code_of_any(visitor: Visitor) -> None:
    visitor.open()
    visitor.at("#account").click()
    visitor.at("#be-admin").click()
    expect(visitor.at("#tenant")).to_be_focused()
    assert_accessible(visitor)
    visitor.at("#tenant").fill(HARBOUR)
    visitor.at("#sign-in-submit").click()

    visitor.expect_text("#signed-in-tenant", f"Clients of {HARBOUR}")
    visitor.go("history")
    visitor.expect_text("#recent-empty", "No exports yet.")


def test_the_sign_in_sends_a_challenge_and_no_secret(visitor: Visitor, issuer: OidcServer) -> None:
    visitor.open()
    sign_in(visitor)

    asked = next(request for request in visitor.requests if request.url.startswith(f"{issuer.url}/auth?"))
    assert "code_challenge_method=S256" in asked.url
    assert "response_type=code" in asked.url
    answered: Any = next(request for request in visitor.requests if request.url == f"{issuer.url}/token")
    assert "code_verifier=" in answered.post_data
    assert "client_secret" not in answered.post_data


def test_an_account_stays_in_this_tab_until_the_reader_signs_out(visitor: Visitor) -> None:
    visitor.open()
    sign_in(visitor)
    visitor.page.reload()
    expect(visitor.at("#work")).to_be_visible()
    assert visitor.evaluate("[localStorage.length, document.cookie]") == [0, ""]
    visitor.at("#sign-out").click()
    expect(visitor.at("#account")).to_be_focused()
    assert visitor.evaluate(KEPT) == 0
    visitor.page.reload()
    expect(visitor.at("#account")).to_be_visible()
    expect(visitor.at("#work")).to_be_hidden()


def test_a_token_that_has_expired_is_renewed_or_the_reader_signs_in_again(visitor: Visitor) -> None:
    visitor.open()
    sign_in(visitor)
    before = visitor.evaluate(CHANGE, {"expires_at": 1})
    visitor.page.reload()
    expect(visitor.at("#work")).to_be_visible()
    assert visitor.evaluate(CHANGE, {"expires_at": 1, "refresh_token": "taken back"}) != before
    visitor.page.reload()

    visitor.expect_text("#sign-in-problem", "Your sign-in has ended. Sign in again.")
    expect(visitor.at("#work")).to_be_hidden()


@pytest.mark.thorough
def test_requests_at_the_same_time_share_one_renewal(visitor: Visitor, issuer: OidcServer) -> None:
    visitor.open()
    sign_in(visitor)
    expect(visitor.at("#preview-rows tr").first).to_be_attached()
    visitor.evaluate("{ const now = Date.now; Date.now = () => now() + 3600_000; }")
    visitor.go("history")

    visitor.wait_for_requests(lambda request: request.url.endswith("/clients/export/csv?limit=25"), 1)
    visitor.wait_for_requests(lambda request: request.url.endswith("/clients/export/schedules?limit=100"), 1)
    asked = [request.post_data or "" for request in visitor.requests if request.url == f"{issuer.url}/token"]
    assert sum("grant_type=refresh_token" in each for each in asked) == 1


@pytest.mark.thorough
def test_an_issuer_that_does_not_answer_signs_nobody_out(visitor: Visitor, issuer: OidcServer) -> None:
    visitor.open()
    sign_in(visitor)
    expect(visitor.at("#preview-rows tr").first).to_be_attached()
    visitor.evaluate("{ const now = Date.now; Date.now = () => now() + 3600_000; }")
    visitor.page.route(f"{issuer.url}/token", lambda route: route.abort("internetdisconnected"))
    visitor.go("history")

    visitor.expect_text("#recent-problem", "The service cannot be reached.")
    expect(visitor.at("#work")).to_be_visible()


@pytest.mark.thorough
def test_a_reader_who_chose_another_language_signs_in_with_an_account(visitor: Visitor, system: System) -> None:
    visitor.open()
    visitor.at("[data-language=de]").click()
    visitor.page.wait_for_url(f"{system.url}/?lang=de")
    sign_in(visitor)

    assert visitor.page.url == f"{system.url}/?lang=de"
    visitor.expect_text("#signed-in-tenant", "Kunden von Northwind Ltd")


def test_a_refused_sign_in_is_told_in_plain_words(visitor: Visitor, system: System) -> None:
    visitor.page.goto(f"{system.url}/?error=access_denied&state=invented")

    visitor.expect_text("#sign-in-problem", "You were not signed in.")
    assert visitor.page.url == f"{system.url}/"
