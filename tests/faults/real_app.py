"""Loads the real function app for the variants that replace it in tests."""

from __future__ import annotations

import importlib.util
import os
from pathlib import Path
from typing import Any


def load_real_app() -> Any:
    """Load the file that REAL_FUNCTION_APP names, and return its app."""
    spec = importlib.util.spec_from_file_location("real_function_app", Path(os.environ["REAL_FUNCTION_APP"]))
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module.app
