"""Configures Hypothesis: no deadline, because other work may share the machine, and no database of examples."""

from __future__ import annotations

from hypothesis import settings

from devhost.local.checks import under_ci

FEW_EXAMPLES, EXAMPLES = 30, 100
"""How many examples a property is tried with, elsewhere and under CI."""

settings.register_profile("unit", deadline=None, database=None, max_examples=EXAMPLES if under_ci() else FEW_EXAMPLES)
settings.load_profile("unit")
