"""The deployment package on which the systems of a test run run, if its environment names one."""

from __future__ import annotations

import os
from pathlib import Path

from devhost.local.packaged import SETTING, PackagedApp


def packaged_app() -> PackagedApp | None:
    """Return the app that `PACKAGED_APP` names."""
    named = os.environ.get(SETTING)
    return PackagedApp(Path(named)) if named else None
