"""A caller learns its name, its tenants with what it may do for each, and the limits of a tenant."""

from __future__ import annotations

from typing import Any

import pytest

from exports.request.identity import Grant, Identity, identity_of_key
from exports.request.me import LimitsDto, MeDto, describe_caller
from exports.request.token_access import RoleGrant, TokenAccess
from exports.settings import SettingsError, read_settings
from tests.support.keys import a_key

LIMITS = LimitsDto(active_jobs=20, jobs_per_day=1000, keep_hours=24, link_minutes=15, wait_seconds=10)
NAMES = {"northwind": "Northwind Ltd", "harbour": "Harbour LLP"}
READ, WRITE = "exports:read", "exports:write"
REQUIRED = {"EXPORT_STORAGE": "x", "CLIENTS_DATABASE_URL": "x"}


def _me(*grants: Grant, name: str | None = None) -> MeDto:
    return describe_caller(Identity("key", is_token=True, grants=grants, name=name), NAMES, LIMITS)


def _grant(tenants: set[str], *scopes: str) -> Grant:
    return Grant(frozenset(tenants), frozenset(scopes))


def test_the_holder_of_a_key_learns_its_name_and_tenants() -> None:
    key, _ = a_key("northwind", "unnamed", name="Back office", scopes=(WRITE, READ))
    me = describe_caller(identity_of_key(key), NAMES, LIMITS)
    assert me.name == "Back office"
    assert [(each.code, each.name) for each in me.tenants] == [("northwind", "Northwind Ltd"), ("unnamed", None)]
    assert me.scopes == (READ, WRITE)
    assert not me.any_tenant
    assert me.limits == LIMITS


def test_each_tenant_has_the_scopes_of_its_own_grants() -> None:
    me = _me(_grant({"northwind", "harbour"}, READ), _grant({"harbour"}, WRITE))
    assert {each.code: each.scopes for each in me.tenants} == {"harbour": (READ, WRITE), "northwind": (READ,)}
    assert me.scopes == (READ, WRITE)


def test_a_caller_of_every_tenant_sees_those_that_have_names() -> None:
    me = _me(_grant({"*"}, READ), _grant({"other"}, WRITE))
    assert me.any_tenant
    assert {each.code: each.scopes for each in me.tenants} == {
        "harbour": (READ,),
        "northwind": (READ,),
        "other": (READ, WRITE),
    }


def test_a_caller_without_grants_has_no_tenant() -> None:
    assert _me() == MeDto(name=None, tenants=(), any_tenant=False, scopes=(), limits=LIMITS)


def test_a_tenant_that_no_path_can_name_is_not_listed() -> None:
    assert [each.code for each in _me(_grant({"a b", "northwind"}, READ)).tenants] == ["northwind"]


@pytest.mark.parametrize(
    ("claim", "name"),
    [
        ("Ann Archer", "Ann Archer"),
        (" Ann\nArcher\x1b ", "AnnArcher"),
        ("x" * 200, "x" * 100),
        ("", None),
        (None, None),
        (["Ann"], None),
    ],
)
def test_the_name_of_a_token_is_its_claim_in_one_line(claim: Any, name: str | None) -> None:
    access = TokenAccess({"reader": RoleGrant.model_validate({"scopes": [READ], "tenants": ["*"]})}, {})
    assert access.identify({"sub": "7", "roles": "reader", "name": claim}).name == name


def _names(text: str) -> Any:
    return read_settings(REQUIRED | {"EXPORT_TENANT_NAMES": text}).tenant_names


def test_the_names_of_tenants_are_read_from_a_setting() -> None:
    assert _names('{"northwind": " Northwind Ltd ", "a.b-c": "Größe"}') == {
        "northwind": "Northwind Ltd",
        "a.b-c": "Größe",
    }
    assert _names("") == {}


@pytest.mark.parametrize(
    ("text", "advice"),
    [
        ("{", "give one JSON object"),
        ("[]", "give one JSON object"),
        ('{"a": 1}', "give one JSON object"),
        ('{"a": "x", "a": "y"}', "name each tenant only once"),
        ('{"not a tenant": "x"}', "write each tenant as in the paths of the API"),
        ('{"a": " "}', "of one line, of 1 to 100 characters"),
        ('{"a": "b\\nc"}', "of one line, of 1 to 100 characters"),
    ],
)
def test_a_wrong_setting_of_names_is_one_sentence_that_says_what_to_change(text: str, advice: str) -> None:
    with pytest.raises(SettingsError) as raised:
        _names(text)
    assert str(raised.value).startswith("Correct these app settings. EXPORT_TENANT_NAMES: ")
    assert advice in str(raised.value)
    assert text not in str(raised.value) or len(text) < 3
