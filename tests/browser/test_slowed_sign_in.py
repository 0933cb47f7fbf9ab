"""Signing in from a network whose address has sent many wrong keys."""

from __future__ import annotations

from pathlib import Path

import pytest
from playwright.sync_api import Browser, expect

from tests.support.system import EXPORT, NORTHWIND, NORTHWIND_KEY, running_system, sample_database
from tests.support.visitor import Visitor


@pytest.mark.thorough
def test_a_wrong_key_from_a_slowed_network_is_told_and_a_right_one_works(browser: Browser, tmp_path: Path) -> None:
    clients = sample_database(tmp_path, 20)
    with running_system(tmp_path, clients, {"EXPORT_MAX_WRONG_KEYS": "1"}, workers=1) as strict:
        context = browser.new_context(locale="en-GB")
        try:
            visitor = Visitor(context.new_page(), strict)
            visitor.open()
            for _ in range(20):  # just before the next one, because wrong keys count for a minute
                strict.call("GET", f"/tenants/{NORTHWIND}{EXPORT}", key="wrong")
            visitor.give_key("wrong")
            visitor.expect_text("#sign-in-problem", "came from your network")
            assert "came from your network" in visitor.fault_of("#key")
            visitor.give_key(NORTHWIND_KEY)
            expect(visitor.at("#work")).to_be_visible()
            visitor.assert_no_errors()
        finally:
            context.close()
