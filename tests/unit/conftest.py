"""Configures Hypothesis: no deadline, because other work may share the machine, and no database of examples."""

from __future__ import annotations

from hypothesis import settings

settings.register_profile("unit", deadline=None, database=None)
settings.load_profile("unit")
