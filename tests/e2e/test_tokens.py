"""Access tokens through the running service: of an issuer of ours, and of a server that others wrote."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

import pytest

from exports.request.scopes import ALL_SCOPES
from tests.e2e.test_audit import audit_of_today
from tests.e2e.test_bad_input import assert_problem
from tests.support.http_client import Response
from tests.support.oidc_server import an_oidc_server
from tests.support.schedules import save
from tests.support.system import (
    EXPORT,
    HARBOUR,
    KEY,
    NORTHWIND,
    System,
    code_of,
    download,
    running_system,
    sample_database,
)
from tests.support.token_issuer import AUDIENCE, SUBJECT, TokenIssuer, a_token_issuer, encoded, rsa_key

ALL = list(ALL_SCOPES)
ROLES = {
    "Export.Admin": {"scopes": ALL, "tenants": ["*"]},
    "Export.Northwind": {"scopes": ["exports:read", "exports:write"], "tenants": [NORTHWIND]},
    "Export.Reader": {"scopes": ["exports:read"], "tenants": [HARBOUR]},
}
GROUPS = {"7f3a2b": {"scopes": ["exports:write"], "tenants": [HARBOUR]}}
OUR_KEY, NEXT_KEY = rsa_key("ours"), rsa_key("next")
SMALL = {"columnMappings": [{"csvHeader": "Who", "targetField": "Name"}]}


def settings_for(issuer: str) -> dict[str, str]:
    return {
        "EXPORT_TOKEN_ISSUER": issuer,
        "EXPORT_TOKEN_AUDIENCE": AUDIENCE,
        "EXPORT_TOKEN_ROLES": json.dumps(ROLES),
        "EXPORT_TOKEN_GROUPS": json.dumps(GROUPS),
    }


@pytest.fixture(scope="module")
def issuer() -> Iterator[TokenIssuer]:
    with a_token_issuer(OUR_KEY) as running:
        yield running


@pytest.fixture(scope="module")
def guarded(tmp_path_factory: pytest.TempPathFactory, issuer: TokenIssuer) -> Iterator[System]:
    directory = tmp_path_factory.mktemp("tokens")
    with running_system(directory, sample_database(directory, 200), settings_for(issuer.url), workers=1) as running:
        yield running


def call(system: System, method: str, path: str, token: str, body: Any = None, **headers: str) -> Response:
    return system.call(method, path, body, key=None, authorization=f"Bearer {token}", **headers)


def export(system: System, tenant: str, token: str) -> Response:
    return call(system, "POST", f"/tenants/{tenant}{EXPORT}", token, SMALL)


def assert_refused(response: Response) -> None:
    assert_problem(response, 401, "invalid-token")
    assert response.headers["www-authenticate"] == 'Bearer realm="client-export", error="invalid_token"'


def test_a_token_exports_and_the_audit_log_names_its_subject(guarded: System, issuer: TokenIssuer) -> None:
    token = issuer.token(roles=["Export.Northwind"], email="anna@example.com")
    started = call(guarded, "POST", EXPORT, token, SMALL)
    assert (started.status, started.json["status"]) == (201, "Completed")
    assert download(started.json).startswith(b"Who\r\n")
    location = started.headers["location"]
    assert call(guarded, "GET", location, token).json["code"] == started.json["code"]

    entries = [entry for entry in audit_of_today(guarded, NORTHWIND) if entry["code"] == started.json["code"]]
    assert [entry["action"] for entry in entries] == ["Started", "LinkGiven", "LinkGiven"]
    assert {entry["actor"] for entry in entries} == {f"token:{SUBJECT}"}
    for secret in ("anna@example.com", token.rpartition(".")[2]):
        assert secret not in guarded.log


def test_a_schedule_and_a_mapping_can_be_saved_with_a_token(guarded: System, issuer: TokenIssuer) -> None:
    token = issuer.token(roles=["Export.Admin"])
    mapping = call(
        guarded, "POST", f"/tenants/{NORTHWIND}/csv-mappings", token, {"name": "Ours", "mappingType": "Client", **SMALL}
    )
    assert mapping.status == 201
    schedule = {"name": "Ours", "cron": "0 3 1 1 *"}
    saved = call(guarded, "POST", f"/tenants/{NORTHWIND}/clients/export/schedules", token, schedule)
    assert saved.status == 201
    entry = next(e for e in audit_of_today(guarded, NORTHWIND) if e["action"] == "ScheduleCreated")
    assert entry["actor"] == f"token:{SUBJECT}"
    assert code_of(save(guarded, NORTHWIND)), "API keys still work beside tokens"


def test_roles_and_groups_open_their_tenants_for_their_scopes_only(guarded: System, issuer: TokenIssuer) -> None:
    reader, both = issuer.token(roles=["Export.Reader"]), issuer.token(roles=["Export.Reader"], groups=["7f3a2b"])
    assert call(guarded, "GET", EXPORT, reader).status == 200
    assert_problem(export(guarded, HARBOUR, reader), 403, "forbidden")
    assert_problem(export(guarded, NORTHWIND, both), 403, "forbidden")
    assert export(guarded, HARBOUR, both).status == 201
    assert_problem(export(guarded, NORTHWIND, issuer.token()), 403, "forbidden")


def test_without_the_scope_a_token_gets_no_sensitive_field(guarded: System, issuer: TokenIssuer) -> None:
    body = {"columnMappings": [{"csvHeader": "NI", "targetField": "NiNumber"}]}
    refused = call(guarded, "POST", EXPORT, issuer.token(roles=["Export.Northwind"]), body)
    assert_problem(refused, 403, "sensitive-fields")


def test_a_token_and_an_api_key_together_are_400(guarded: System, issuer: TokenIssuer) -> None:
    response = call(guarded, "GET", EXPORT, issuer.token(roles=["Export.Northwind"]), x_api_key=KEY)
    assert_problem(response, 400, "invalid-header")


def test_forged_and_stale_tokens_are_401_and_say_why(guarded: System, issuer: TokenIssuer) -> None:
    roles = ["Export.Admin"]
    refused = {
        "expired": issuer.token(roles=roles, exp=1),
        "not valid yet": issuer.token(roles=roles, nbf=4_000_000_000),
        "another issuer": issuer.token(roles=roles, iss="https://login.microsoftonline.com/common/v2.0"),
        "another service": issuer.token(roles=roles, aud="https://graph.microsoft.com"),
        "RS256": f"{encoded({'alg': 'none'})}.{encoded(issuer.claims(roles=roles))}.",
        "no key": issuer.token(NEXT_KEY, roles=roles),
        "signature": issuer.token(NEXT_KEY, {"kid": "ours"}, roles=roles),
        "16,384": "a" * 17_000,
        "three parts": "nonsense",
    }
    for reason, token in refused.items():
        response = call(guarded, "GET", f"/tenants/{NORTHWIND}{EXPORT}", token)
        assert_refused(response)
        assert reason in response.json["detail"]
        assert token.encode() not in response.body


def test_a_rotated_key_is_accepted_while_the_service_runs(guarded: System, issuer: TokenIssuer) -> None:
    token = issuer.token(NEXT_KEY, roles=["Export.Northwind"])
    issuer.keys = [NEXT_KEY.public, OUR_KEY.public]
    guarded.wait_until(lambda: call(guarded, "GET", EXPORT, token).status == 200)
    assert call(guarded, "GET", EXPORT, issuer.token(roles=["Export.Northwind"])).status == 200


@pytest.mark.thorough
def test_an_issuer_that_is_down_is_503_until_its_keys_were_had_once(
    tmp_path: Any, tmp_path_factory: pytest.TempPathFactory
) -> None:
    with a_token_issuer(OUR_KEY) as gone:
        token = gone.token(roles=["Export.Northwind"])
    with running_system(
        tmp_path, sample_database(tmp_path, 20), settings_for(gone.url), healthy=False, workers=1
    ) as system:
        response = call(system, "GET", EXPORT, token)
        assert_problem(response, 503, "unavailable")
        assert 1 <= int(response.headers["retry-after"]) <= 30
        assert system.call("GET", f"/tenants/{NORTHWIND}{EXPORT}").status == 200, "API keys need no issuer"
        with a_token_issuer(OUR_KEY, gone.port):
            system.wait_until(lambda: call(system, "GET", EXPORT, token).status == 200)


@pytest.mark.thorough
def test_a_certified_openid_connect_server_issues_tokens_that_export(tmp_path: Any) -> None:
    with (
        an_oidc_server(tmp_path, "Export.Northwind") as server,
        running_system(tmp_path, sample_database(tmp_path, 20), settings_for(server.url), workers=1) as system,
    ):
        token = server.token()
        started = call(system, "POST", EXPORT, token, SMALL)
        assert (started.status, started.json["status"]) == (201, "Completed")
        assert_problem(call(system, "GET", f"/tenants/{HARBOUR}{EXPORT}", token), 403, "forbidden")
        assert {entry["actor"] for entry in audit_of_today(system, NORTHWIND)} == {"token:nightly-import"}
