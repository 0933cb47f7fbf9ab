"""Many jobs at once share the pages in flight; a small job is not stuck behind a huge one.

What is compared are counts of pages in the order they were written, not seconds.
"""

from __future__ import annotations

import sqlite3
import time
from collections import Counter
from collections.abc import Callable
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path

import pytest

from devhost.local.azurite import Azurite
from exports.request.fields import VIEW_COLUMNS
from exports.request.scopes import ALL_SCOPES
from shared.storage import StorageAccount
from shared.table_keys import TableKeyStore
from tests.faults.conftest import StandIn, StartSystem
from tests.support.builders import NOON
from tests.support.keys import key_of_text
from tests.support.system import EXPORT, System

HUGE, EQUALS, SMALLS = "huge", ("equal1", "equal2", "equal3"), ("small1", "small2", "small3")
HUGE_PAGES, EQUAL_PAGES, SMALL_PAGES, ROWS_PER_PAGE = 240, 60, 2, 500
KEY = f"cx_manytenants2_{'m' * 43}"
SLOTS = 8
"""Activities of two workers: `host.json` has four each."""
TWO_COLUMNS = {"columnMappings": [{"csvHeader": field, "targetField": field} for field in ("Code", "Name")]}


def fill(path: Path) -> str:
    """A database of tenants whose exports have a known number of pages; its URL."""
    pages = {HUGE: HUGE_PAGES} | dict.fromkeys(EQUALS, EQUAL_PAGES) | dict.fromkeys(SMALLS, SMALL_PAGES)
    with closing(sqlite3.connect(path)) as connection, connection:
        connection.execute(f"CREATE TABLE records ({', '.join(VIEW_COLUMNS)}, PRIMARY KEY (tenant, code))")
        connection.execute("CREATE VIEW clients AS SELECT * FROM records")
        for tenant, count in pages.items():
            rows = ((tenant, f"C{number:06d}", "A client") for number in range(count * ROWS_PER_PAGE))
            connection.executemany("INSERT INTO records (tenant, code, name) VALUES (?, ?, ?)", rows)
    return f"sqlite:///{path}"


@dataclass
class Crowd:
    """A system with a huge tenant, equal ones and small ones, whose pages take their time."""

    system: System
    log: Path

    def start(self, tenant: str) -> str:
        path = f"/tenants/{tenant}{EXPORT}"
        answer = self.system.call("POST", path, TWO_COLUMNS, key=KEY, prefer="respond-async")
        assert answer.status == 202, answer
        code: str = answer.json["code"]
        return code

    def lines(self) -> list[tuple[str, str]]:
        """Code and page, or `end`, of everything written so far."""
        text = self.log.read_text() if self.log.exists() else ""
        return [(code, what) for code, what in (line.split() for line in text.splitlines())]

    def wait_for(self, code: str, what: str) -> None:
        """Wait until the log tells this of a job."""
        deadline = time.monotonic() + 120
        while (code, what) not in self.lines():
            assert time.monotonic() < deadline, self.system.host.tail(40)
            time.sleep(0.02)


StartCrowd = Callable[..., Crowd]


@pytest.fixture
def crowd(start_system: StartSystem, slow_app: StandIn, azurite: Azurite, tmp_path: Path) -> StartCrowd:
    account = StorageAccount(azurite.connection_string)
    tenants = (HUGE, *EQUALS, *SMALLS)
    TableKeyStore(account).add(key_of_text(KEY, name="crowd", tenants=tenants, scopes=ALL_SCOPES, created=NOON))
    account.tables.close()
    url = fill(tmp_path / "crowd.sqlite")
    root, settings = slow_app

    def start(**changes: str) -> Crowd:
        system = start_system(root, CLIENTS_DATABASE_URL=url, EXPORT_BLOCK_BYTES="1024", **settings, **changes)
        return Crowd(system, Path(settings["PAGE_LOG"]))

    return start


def pages_between(lines: list[tuple[str, str]], code: str, first: int, last: int) -> int:
    return sum(1 for each, what in lines[first:last] if each == code and what != "end")


def test_small_jobs_end_before_a_huge_one_has_come_much_further(crowd: StartCrowd) -> None:
    """Each of a small job's three steps waits for what is in flight when it comes: the first for a wave of a job that
    was alone, the others for a share of it."""
    wave = 64
    running = crowd(EXPORT_WAVE_PAGES=str(wave))
    huge = running.start(HUGE)
    running.wait_for(huge, "0")
    begun = len(running.lines())
    smalls = [running.start(tenant) for tenant in SMALLS]
    for code in smalls:
        running.wait_for(code, "end")

    lines = running.lines()
    further = [pages_between(lines, huge, begun, lines.index((code, "end"))) for code in smalls]
    assert max(further) <= wave + 2 * (wave // len((HUGE, *SMALLS))) + SLOTS
    assert (huge, "end") not in lines
    running.wait_for(huge, "end")
    written = Counter(running.lines())
    assert set(written.values()) == {1}
    assert len([code for code, what in written if code == huge and what != "end"]) == HUGE_PAGES


def test_equal_jobs_of_three_tenants_come_on_side_by_side(crowd: StartCrowd) -> None:
    """The first is alone for a wave; from then on each has the same share."""
    wave = 12
    running = crowd(EXPORT_WAVE_PAGES=str(wave))
    codes = [running.start(tenant) for tenant in EQUALS]
    for code in codes:
        running.wait_for(code, "end")

    written: Counter[str] = Counter()
    apart = 0
    for code, what in running.lines():
        written[code] += what != "end"
        if max(written.values()) == EQUAL_PAGES:
            break
        apart = max(apart, max(written.values()) - min(written[each] for each in codes))
    assert apart <= wave + 2 * (wave // len(EQUALS))
    pages = Counter(code for code, what in running.lines() if what != "end")
    assert pages == dict.fromkeys(codes, EQUAL_PAGES)
