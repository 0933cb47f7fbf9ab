"""Configures Hypothesis: no deadline, because other work may share the machine, and no database of examples."""

from __future__ import annotations

from hypothesis import settings

from devhost.local.checks import under_ci

FEW_EXAMPLES, EXAMPLES = 30, 100
"""How many examples a property is tried with, elsewhere and under CI.

Under CI the examples are the same in each run, so that a change is not refused for what it did not touch. Elsewhere
they are random, and find what CI never tries."""

settings.register_profile("unit", deadline=None, database=None, max_examples=FEW_EXAMPLES)
settings.register_profile("ci", settings.get_profile("unit"), max_examples=EXAMPLES, derandomize=True)
settings.load_profile("ci" if under_ci() else "unit")
