"""The real function app, in which each page of a snapshot takes PAGE_SECONDS longer."""

from __future__ import annotations

import os
import time

from exports.file.page_record import PageRecord
from exports.file.plan import PagePlan
from exports.services import Services
from exports.steps.snapshots import snapshot_pages
from exports.steps.snapshots.snapshot_pages import SnapshotWatch
from tests.faults.real_app import load_real_app

_PAGE_SECONDS = float(os.environ["PAGE_SECONDS"])
_write_page = snapshot_pages._write_page


def _write_slowly(services: Services, watch: SnapshotWatch, plan: PagePlan, page: int) -> PageRecord:
    time.sleep(_PAGE_SECONDS)
    return _write_page(services, watch, plan, page)


snapshot_pages._write_page = _write_slowly
app = load_real_app()
