"""Durable Functions: the built-in engine that runs orchestrations and activities, and the HTTP API in front of it.

The rest of the host uses `service.DurableService` and nothing else in this folder.
"""
