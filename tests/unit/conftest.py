"""How generated examples run: kept nowhere, and in their own time, for other work may share the machine."""

from __future__ import annotations

from hypothesis import settings

settings.register_profile("unit", deadline=None, database=None)
settings.load_profile("unit")
