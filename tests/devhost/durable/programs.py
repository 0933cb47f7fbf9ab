"""Generates random orchestrations with known results. A program is JSON, made from a seed; one orchestrator runs it.

A program is a list of steps. A step is a tree: its inner nodes are `all` and `any`, and its leaves are calls, timers,
events and children. Calls that may fail are steps of their own, because the SDK itself mishandles a failure inside
nested compounds.
"""

import random
from typing import Any

Node = dict[str, Any]
MAX_DEPTH = 2


def make_program(seed: int, instance: str, depth: int = 0) -> list[Node]:
    """Make the steps of an orchestration. Only the top level, whose instance id the test knows, waits for events."""
    rng = random.Random(f"{seed}-{depth}-{instance}")
    return [_step(rng, f"{instance}-{depth}-{i}", seed, depth) for i in range(rng.randint(1, 5 - depth))]


def expected(steps: list[Node]) -> list[Any]:
    """Return the result that a program must have."""
    return [_expected(step) for step in steps]


def events(steps: list[Node]) -> list[str]:
    """Return the names of the events that a program waits for."""
    found = []
    for node in steps:
        found += [node["name"]] if node["kind"] == "event" else []
        found += events(node.get("of", []))
    return found


def activities(steps: list[Node]) -> dict[str, int]:
    """Return the least number of runs of each counted activity."""
    counts: dict[str, int] = {}
    for node in steps:
        if "key" in node:
            counts[node["key"]] = node.get("attempts", 1) if node["kind"] == "exhaust" else node.get("fails", 0) + 1
        counts |= activities(node.get("of", [])) | activities(node.get("program", []))
    return counts


def _step(rng: random.Random, path: str, seed: int, depth: int) -> Node:
    if rng.random() < 0.2:
        return {"kind": "exhaust", "key": path, "attempts": rng.randint(1, 3)}
    node = _tree(rng, path, seed, depth, levels=2)
    return {**node, "again": rng.random() < 0.2}


def _tree(rng: random.Random, path: str, seed: int, depth: int, levels: int) -> Node:
    if levels and rng.random() < 0.5:
        count = rng.randint(1, 4)
        nodes = [_tree(rng, f"{path}.{i}", seed, depth, levels - 1) for i in range(count)]
        return {"kind": rng.choice(["all", "all", "any"]), "of": nodes}
    return _leaf(rng, path, seed, depth)


def _leaf(rng: random.Random, path: str, seed: int, depth: int) -> Node:
    kinds = ["call", "call", "call", "flaky", "flaky", "timer"]
    kinds += ["event"] if depth == 0 else []
    kinds += ["child", "flaky_child"] if depth < MAX_DEPTH else []
    kind = rng.choice(kinds)
    leaf: Node = {"kind": kind}
    if kind in ("call", "flaky"):
        leaf |= {"key": path, "value": rng.randint(0, 999), "fails": rng.randint(1, 3) if kind == "flaky" else 0}
    elif kind == "timer":
        leaf |= {"milliseconds": rng.randint(0, 150), "cancel": rng.random() < 0.3}
    elif kind == "event":
        leaf |= {"name": f"event-{path}"}
    else:
        leaf |= {"program": make_program(seed, path, depth + 1)}
    return leaf


def _expected(node: Node) -> Any:
    match node["kind"]:
        case "all":
            return [_expected(child) for child in node["of"]]
        case "any":
            return "one of several"
        case "call" | "flaky":
            return node["value"]
        case "event":
            return node["name"]
        case "child" | "flaky_child":
            return expected(node["program"])
        case "exhaust":
            return "failed"
    return None
