"""Durable Functions: two engines that run orchestrations and activities, and the HTTP API in front of them.

The rest of the host knows `service.DurableService`, and chooses between `builtin` and `extension`.
"""
