"""A small discrete-event simulation of a fleet: where it breaks first as exports grow. Not a test of the code."""
