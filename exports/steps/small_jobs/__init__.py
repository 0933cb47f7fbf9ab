"""The step that runs a small job from its plan to its end."""
