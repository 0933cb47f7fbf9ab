"""Simultaneous jobs share the pages in flight, so that a small job does not wait for a huge one.

The tests compare counts of pages in the order in which they were written, not seconds.
"""

from __future__ import annotations

import sqlite3
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
from tests.faults.conftest import AppVariant, StartSystem
from tests.support.builders import NOON
from tests.support.keys import key_of_text
from tests.support.system import EXPORT, System

pytestmark = pytest.mark.thorough

HUGE, EQUALS, SMALLS = "huge", ("equal1", "equal2", "equal3"), ("small1", "small2", "small3")
HUGE_PAGES, EQUAL_PAGES, SMALL_PAGES, ROWS_PER_PAGE = 240, 60, 2, 500
KEY = f"cx_manytenants2_{'m' * 43}"
SLOTS = 8
"""Activities that two workers run at the same time: `host.json` allows four each."""
TWO_COLUMNS = {"columnMappings": [{"csvHeader": field, "targetField": field} for field in ("Code", "Name")]}


def fill(path: Path) -> str:
    """Create a database of tenants whose exports have a known number of pages; return its URL."""
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
    """A system with slow pages and with a huge tenant, several equal ones and several small ones."""

    system: System
    log: Path

    def start(self, tenant: str) -> str:
        path = f"/tenants/{tenant}{EXPORT}"
        response = self.system.call("POST", path, TWO_COLUMNS, key=KEY, prefer="respond-async")
        assert response.status == 202, response
        code: str = response.json["code"]
        return code

    def lines(self) -> list[tuple[str, str]]:
        """Return the lines of the log so far: the code of a job, and a page or `end`."""
        text = self.log.read_text() if self.log.exists() else ""
        return [(code, event) for code, event in (line.split() for line in text.splitlines())]

    def wait_for(self, code: str, event: str) -> None:
        """Wait until the log contains a page of a job, or its `end`."""
        self.system.wait_until(lambda: (code, event) in self.lines())


StartCrowd = Callable[..., Crowd]


@pytest.fixture
def crowd(start_system: StartSystem, app_with_slow_pages: AppVariant, azurite: Azurite, tmp_path: Path) -> StartCrowd:
    account = StorageAccount(azurite.connection_string)
    tenants = (HUGE, *EQUALS, *SMALLS)
    TableKeyStore(account).add(key_of_text(KEY, name="crowd", tenants=tenants, scopes=ALL_SCOPES, created=NOON))
    account.tables.close()
    url = fill(tmp_path / "crowd.sqlite")
    root, settings = app_with_slow_pages

    def start(**changes: str) -> Crowd:
        system = start_system(root, CLIENTS_DATABASE_URL=url, EXPORT_BLOCK_BYTES="1024", **settings, **changes)
        return Crowd(system, Path(settings["PAGE_LOG"]))

    return start


def pages_between(lines: list[tuple[str, str]], code: str, first: int, last: int) -> int:
    return sum(1 for each, event in lines[first:last] if each == code and event != "end")


def test_small_jobs_end_before_a_huge_one_makes_much_progress(crowd: StartCrowd) -> None:
    """Each of a small job's three steps waits for the pages that are in flight when it begins.

    For the first step that is a whole wave, because the huge job was alone. For the others it is a share of a wave:
    at most a half, which the huge job has while one small job is left.
    """
    wave = 64
    running = crowd(EXPORT_WAVE_PAGES=str(wave))
    huge = running.start(HUGE)
    running.wait_for(huge, "0")
    began = len(running.lines())
    smalls = [running.start(tenant) for tenant in SMALLS]
    for code in smalls:
        running.wait_for(code, "end")

    lines = running.lines()
    huge_pages = [pages_between(lines, huge, began, lines.index((code, "end"))) for code in smalls]
    assert max(huge_pages) <= wave + 2 * (wave // 2) + SLOTS
    assert (huge, "end") not in lines
    running.wait_for(huge, "end")
    written = Counter(running.lines())
    assert set(written.values()) == {1}
    assert len([code for code, event in written if code == huge and event != "end"]) == HUGE_PAGES


def test_equal_jobs_of_three_tenants_progress_at_the_same_rate(crowd: StartCrowd) -> None:
    """Once all three jobs have written a page, each has the same share. Waves that began before may be larger."""
    wave = 12
    running = crowd(EXPORT_WAVE_PAGES=str(wave))
    codes = [running.start(tenant) for tenant in EQUALS]
    for code in codes:
        running.wait_for(code, "end")

    lines = running.lines()
    all_write = max(next(place for place, (code, _) in enumerate(lines) if code == each) for each in codes)
    written: Counter[str] = Counter()
    difference = compared = 0
    for code, event in lines[all_write:]:
        if event == "end":
            break
        written[code] += 1
        compared += 1
        difference = max(difference, max(written.values()) - min(written[each] for each in codes))
    assert compared >= EQUAL_PAGES, "the jobs hardly ran together"
    assert difference <= wave + 2 * (wave // len(EQUALS))
    pages = Counter(code for code, event in running.lines() if event != "end")
    assert pages == dict.fromkeys(codes, EQUAL_PAGES)
