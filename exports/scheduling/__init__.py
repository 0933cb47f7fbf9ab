"""Exports that start by themselves: schedules, their slots, and what became of them. Pure; steps act on it."""
