"""Clients of a tenant, exported as one file, provably complete."""

VERSION = "0.1.0"
"""The version of the service. It is the one in pyproject.toml, which is not deployed; a test compares them."""
