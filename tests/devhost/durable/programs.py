"""Random orchestrations with known results: a program is JSON, made from a seed, run by one orchestrator.

A program is a list of steps. A step is a tree whose inner nodes are `all` and `any` and whose leaves are calls, timers,
events and children. What may fail stands alone, because a failure inside nested compounds trips the SDK itself.
"""

import random
from typing import Any

Node = dict[str, Any]
MOST_DEPTH = 2


def make_program(seed: int, instance: str, depth: int = 0) -> list[Node]:
    """Steps of an orchestration; events only at the top, where the test knows the instance."""
    dice = random.Random(f"{seed}-{depth}-{instance}")
    return [_step(dice, f"{instance}-{depth}-{i}", seed, depth) for i in range(dice.randint(1, 5 - depth))]


def expected(steps: list[Node]) -> list[Any]:
    """What a program returns."""
    return [_expected(step) for step in steps]


def events(steps: list[Node]) -> list[str]:
    """Names of the events a program waits for."""
    found = []
    for node in steps:
        found += [node["name"]] if node["kind"] == "event" else []
        found += events(node.get("of", []))
    return found


def activities(steps: list[Node]) -> dict[str, int]:
    """How often each counted activity must run at least."""
    counts: dict[str, int] = {}
    for node in steps:
        if "key" in node:
            counts[node["key"]] = node.get("attempts", 1) if node["kind"] == "exhaust" else node.get("fails", 0) + 1
        counts |= activities(node.get("of", [])) | activities(node.get("program", []))
    return counts


def _step(dice: random.Random, path: str, seed: int, depth: int) -> Node:
    if dice.random() < 0.2:
        return {"kind": "exhaust", "key": path, "attempts": dice.randint(1, 3)}
    node = _tree(dice, path, seed, depth, levels=2)
    return {**node, "again": dice.random() < 0.2}


def _tree(dice: random.Random, path: str, seed: int, depth: int, levels: int) -> Node:
    if levels and dice.random() < 0.5:
        count = dice.randint(1, 4)
        nodes = [_tree(dice, f"{path}.{i}", seed, depth, levels - 1) for i in range(count)]
        return {"kind": dice.choice(["all", "all", "any"]), "of": nodes}
    return _leaf(dice, path, seed, depth)


def _leaf(dice: random.Random, path: str, seed: int, depth: int) -> Node:
    kinds = ["call", "call", "call", "flaky", "flaky", "timer"]
    kinds += ["event"] if depth == 0 else []
    kinds += ["child", "flaky_child"] if depth < MOST_DEPTH else []
    kind = dice.choice(kinds)
    leaf: Node = {"kind": kind}
    if kind in ("call", "flaky"):
        leaf |= {"key": path, "value": dice.randint(0, 999), "fails": dice.randint(1, 3) if kind == "flaky" else 0}
    elif kind == "timer":
        leaf |= {"milliseconds": dice.randint(0, 150), "cancel": dice.random() < 0.3}
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
