"""Roles and groups of a token become scopes and tenants by the mapping alone."""

from __future__ import annotations

from typing import Any

import pytest

from exports.request.identity import Identity
from exports.request.token_access import RoleGrant, TokenAccess
from exports.settings import Settings
from shared.access_tokens import TokenRefusedError

READ, WRITE = "exports:read", "exports:write"
ROLES = {
    "Export.Reader": {"scopes": [READ], "tenants": ["*"]},
    "Export.Northwind": {"scopes": [READ, WRITE], "tenants": ["northwind"]},
}
GROUPS = {"0b1e-7": {"scopes": [WRITE], "tenants": ["harbour"]}}


def grants(mapping: dict[str, Any]) -> dict[str, RoleGrant]:
    return {name: RoleGrant.model_validate(grant) for name, grant in mapping.items()}


def identify(claims: dict[str, Any], **changes: str) -> Identity:
    return TokenAccess(grants(ROLES), grants(GROUPS), **changes).identify({"sub": "someone"} | claims)


def test_a_role_grants_its_scopes_for_its_tenants() -> None:
    identity = identify({"roles": ["Export.Northwind"]})
    assert identity.scopes_for("northwind") == {READ, WRITE}
    assert (identity.opens("harbour"), identity.scopes_for("harbour")) == (False, frozenset())


def test_scopes_of_one_role_never_apply_to_the_tenants_of_another() -> None:
    identity = identify({"roles": ["Export.Northwind", "Export.Reader"]})
    assert identity.scopes_for("northwind") == {READ, WRITE}
    assert identity.scopes_for("harbour") == {READ}


def test_a_group_grants_only_by_the_mapping_of_groups() -> None:
    assert identify({"groups": ["0b1e-7"]}).scopes_for("harbour") == {WRITE}
    assert identify({"roles": ["0b1e-7"], "groups": ["Export.Reader"]}).grants == ()


def test_roles_that_the_mapping_does_not_name_grant_nothing() -> None:
    assert identify({"roles": ["export.reader", "*", "", "Owner"]}).grants == ()
    assert identify({}).grants == ()


def test_one_role_may_be_a_text_instead_of_a_list() -> None:
    assert identify({"roles": "Export.Reader"}).scopes_for("harbour") == {READ}


@pytest.mark.parametrize("tenant", ["", "*", "a b", "../x", "northwind/", "x" * 64, "a\n", "ä"])
def test_every_tenant_means_every_name_that_a_tenant_may_have(tenant: str) -> None:
    identity = identify({"roles": ["Export.Reader"]})
    assert identity.opens("anyone")
    assert (identity.opens(tenant), identity.scopes_for(tenant)) == (False, frozenset())


def test_a_tenant_claim_limits_the_tenants_of_every_role() -> None:
    claims = {"roles": ["Export.Reader", "Export.Northwind"], "practice": ["harbour"]}
    identity = identify(claims, tenant_claim="practice")
    assert identity.tenants == {"harbour"}
    assert identity.scopes_for("harbour") == {READ}


@pytest.mark.parametrize("named", [None, [], "*", ["*"]])
def test_a_tenant_claim_without_a_tenant_opens_none(named: Any) -> None:
    claims = {"roles": ["Export.Reader"]} | ({} if named is None else {"practice": named})
    identity = identify(claims, tenant_claim="practice")
    assert (identity.tenants, identity.opens("northwind")) == (frozenset(), False)


@pytest.mark.parametrize("value", [7, {"a": 1}, [1], [None], True, [["Export.Reader"]], None])
@pytest.mark.parametrize("claim", ["roles", "groups", "practice"])
def test_a_claim_of_another_shape_is_refused_by_name(claim: str, value: Any) -> None:
    with pytest.raises(TokenRefusedError, match=f"The claim {claim} of the token is neither"):
        identify({claim: value}, tenant_claim="practice")


def test_the_actor_is_the_subject_of_the_token() -> None:
    assert identify({}).actor == "token:someone"
    assert identify({"oid": "23657296-5cd5"}, subject_claim="oid").actor == "token:23657296-5cd5"


@pytest.mark.parametrize("subject", ["anna@example.com", "Anna Bell", "a\nb", "x" * 129, "ä", "\ud800"])
def test_a_subject_that_may_be_an_address_is_shown_as_its_hash(subject: str) -> None:
    actor = identify({"sub": subject}).actor
    assert actor.startswith("token:sha256:")
    assert len(actor) == len("token:sha256:") + 32
    assert actor == identify({"sub": subject}).actor
    assert actor != identify({"sub": f"{subject}."}).actor


@pytest.mark.parametrize("subject", [None, "", 7, ["someone"]])
def test_a_token_without_its_subject_is_refused(subject: Any) -> None:
    with pytest.raises(TokenRefusedError, match="The token lacks the claim sub"):
        identify({"sub": subject})


@pytest.mark.parametrize("claims", [{"_claim_names": {"groups": "src1"}}, {"hasgroups": True}], ids=["names", "has"])
def test_a_token_with_too_many_groups_to_list_them_says_so(claims: dict[str, Any]) -> None:
    assert "too many" in identify(claims).hint
    assert identify(claims | {"groups": ["0b1e-7"]}).hint == ""


def test_the_default_subject_is_the_one_of_the_settings() -> None:
    assert Settings.model_fields["token_subject_claim"].default == TokenAccess({}, {}).subject_claim
