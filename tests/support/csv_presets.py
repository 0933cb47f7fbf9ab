"""The presets that write CSV."""

from __future__ import annotations

from exports.request.formats import FORMAT_PRESETS

CSV_PRESETS = tuple(preset for preset, form in FORMAT_PRESETS.items() if form.kind is None)
