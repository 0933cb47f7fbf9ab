"""Signing in to the ui: with which key, and for which tenant."""

from __future__ import annotations

from playwright.sync_api import expect

from tests.support.keys import with_other_secret
from tests.support.system import HARBOUR, KEY, NORTHWIND_KEY, System
from tests.support.visitor import Visitor


def test_a_wrong_key_is_refused_in_plain_words(visitor: Visitor) -> None:
    for key in ("wrong", with_other_secret(NORTHWIND_KEY), "clé"):
        visitor.open()
        visitor.give_key(key)

        visitor.expect_text("#sign-in-problem", "This API key is not valid.")
        assert "This API key is not valid." in visitor.fault_of("#key")
        expect(visitor.at("#key")).to_be_focused()
        expect(visitor.at("#work")).to_be_hidden()
        assert visitor.evaluate("sessionStorage.length") == 0

    visitor.give_key(NORTHWIND_KEY)
    expect(visitor.at("#work")).to_be_visible()


def test_a_key_for_one_tenant_signs_in_without_asking_for_the_tenant(visitor: Visitor) -> None:
    visitor.sign_in(NORTHWIND_KEY)

    expect(visitor.at("#tenant")).to_be_hidden()


def test_a_key_for_several_tenants_asks_which_one(visitor: Visitor, system: System) -> None:
    visitor.open()
    visitor.give_key(KEY)
    visitor.expect_text("#tenant-hint", "This key opens several tenants.")
    expect(visitor.at("#tenant")).to_be_focused()
    visitor.give_tenant("nowhere")
    visitor.expect_text("#sign-in-problem", "does not open that tenant")
    assert "does not open that tenant" in visitor.fault_of("#tenant")
    visitor.give_tenant(HARBOUR)

    visitor.expect_text("#signed-in-tenant", HARBOUR)
    visitor.pick("Code")
    code = {"columnMappings": [{"csvHeader": "Code", "targetField": "Code"}]}
    assert visitor.export_and_download() == system.export(code, HARBOUR)


def test_the_key_can_be_shown_and_hidden(visitor: Visitor) -> None:
    visitor.open()
    visitor.at("#show-key").click()
    expect(visitor.at("#key")).to_have_attribute("type", "text")
    expect(visitor.at("#show-key")).to_have_attribute("aria-pressed", "true")
    visitor.at("#show-key").click()
    expect(visitor.at("#key")).to_have_attribute("type", "password")
