"""Clients of a tenant, exported as one CSV file, provably complete."""
