"""`python -m exports tables` knows the tables of the service."""

from __future__ import annotations

import re

from devhost.local.paths import ROOT
from exports.commands.tables import OWN_TABLES

STORES = [*(ROOT / "exports" / "adapters" / "storage").glob("*.py"), ROOT / "shared" / "table_keys.py"]


def test_backups_have_every_table_of_the_service_and_no_other() -> None:
    named = [
        name for path in STORES for name in re.findall(r'default_table = "(\w+)"', path.read_text(encoding="utf-8"))
    ]
    assert sorted(named) == sorted(OWN_TABLES)
