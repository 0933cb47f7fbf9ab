"""The real function app, in which each page of a snapshot takes PAGE_SECONDS longer."""

from __future__ import annotations

import os
import time
from typing import Any

from exports.steps.pages.write_page import render_page
from exports.steps.snapshots import snapshot_pages
from tests.faults.real_app import load_real_app

_PAGE_SECONDS = float(os.environ["PAGE_SECONDS"])


def _render_slowly(*arguments: Any) -> Any:
    time.sleep(_PAGE_SECONDS)
    return render_page(*arguments)


vars(snapshot_pages)["render_page"] = _render_slowly
app = load_real_app()
