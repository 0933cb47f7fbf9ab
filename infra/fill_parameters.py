"""Fills in the parameters of a deployment: `python infra/fill_parameters.py TEMPLATE DEPLOYMENTS`.

The workflow `deploy` runs it in place of `azd`. It reads `main.parameters.json` beside it, replaces `${NAME}` and
`${NAME=default}` by environment variables as `azd` does, and prints a parameters file for `az`.

TEMPLATE is the compiled template. DEPLOYMENTS is what `az deployment sub list` prints: if this deployment would undo
what the last one of the same environment has set, the script refuses. `ACCEPTED_RESET` in the environment overrules
that for one deployment, which it names by its time.

Exit code 0: printed. 1: refused; the reasons are printed, without values.
"""

from __future__ import annotations

import json
import os
import re
import sys
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

_PARAMETERS = Path(__file__).parent / "main.parameters.json"
_REFERENCE = re.compile(r"\$\{([^}]*)\}")
_NAME = re.compile(r"(\w+)(?:=(.*))?")
_STAYS_IF_EMPTY = frozenset({"webhookSecret", "smtpPassword"})
"""Secrets that the Key Vault keeps if a deployment gives none."""


class RefusedError(Exception):
    """The parameters are incomplete or wrong, or the deployment would undo what the last one has set."""


def names_in(value: Any) -> list[str]:
    """Return the variables that a value of the parameters file refers to."""
    return [name.partition("=")[0] for name in _REFERENCE.findall(json.dumps(value))]


def substitute(value: Any, variables: Mapping[str, str]) -> Any:
    """Replace each reference in a value. An empty variable counts as one that is not set, as for `azd`."""
    if isinstance(value, Mapping):
        return {key: substitute(each, variables) for key, each in value.items()}
    if isinstance(value, list):
        return [substitute(each, variables) for each in value]
    return _REFERENCE.sub(lambda found: _value_of(found[1], variables), value) if isinstance(value, str) else value


def _value_of(reference: str, variables: Mapping[str, str]) -> str:
    form = _NAME.fullmatch(reference)
    if form is None:
        message = f"main.parameters.json: ${{{reference}}} is neither ${{NAME}} nor ${{NAME=default}}."
        raise RefusedError(message)
    if form[1] not in variables:
        message = f"main.parameters.json names {form[1]}, which .github/workflows/deploy.yml does not pass."
        raise RefusedError(message)
    return variables[form[1]] or form[2] or ""


def convert(value: Any, kind: str) -> Any:
    """Return the text of a variable as a value of the type that the template declares.

    Raises:
        ValueError: The text is not of that type.
    """
    if not isinstance(value, str) or kind not in {"bool", "int"}:
        return value
    return int(value) if kind == "int" else {"true": True, "false": False}[value.lower()]


def fill(template: Mapping[str, Any], given: Mapping[str, Any], variables: Mapping[str, str]) -> dict[str, Any]:
    """Return the value of each parameter that the parameters file gives."""
    filled = {}
    for name, raw in given.items():
        declared, variable = template["parameters"][name], ", ".join(names_in(raw))
        try:
            filled[name] = convert(substitute(raw["value"], variables), declared["type"])
        except (KeyError, ValueError) as error:
            message = f"{variable} is not a value of the type {declared['type']} ({name})."
            raise RefusedError(message) from error
        if filled[name] == "" and "defaultValue" not in declared:
            message = f"{variable} is not set ({name})."
            raise RefusedError(message)
    return filled


def last_deployment(deployments: list[Any], environment: str) -> Any:
    """Return the newest deployment of an environment that succeeded, whoever made it; None if there is none."""
    done = [
        each
        for each in deployments
        if each["properties"]["provisioningState"] == "Succeeded"
        and (each["properties"]["parameters"] or {}).get("environmentName", {}).get("value") == environment
    ]
    return max(done, key=lambda each: str(each["properties"]["timestamp"]), default=None)


def undone(template: Mapping[str, Any], filled: Mapping[str, Any], last: Any) -> Iterator[str]:
    """Give the parameters that the last deployment has set and this one would set back.

    After a deployment of the workflow, these are the ones that go back to their defaults: other changes were made in
    GitHub. After one from a machine, they are all that differ, and the secrets, which cannot be compared.
    """
    is_ours = last["name"] == f"client-export-{filled['environmentName']}"
    before = {name: each["value"] for name, each in last["properties"]["parameters"].items() if "value" in each}
    outputs = {name.upper(): each for name, each in (last["properties"]["outputs"] or {}).items()}
    before["webhooks"] = outputs.get("WEBHOOKS_ENABLED", {}).get("value") == "true"
    for name, declared in template["parameters"].items():
        default = declared.get("defaultValue")
        after = filled.get(name, default)
        if name == "webhooks":
            after = after or bool(filled.get("webhookSecret"))
        if declared["type"].lower().startswith("secure"):
            if not is_ours and (after or name not in _STAYS_IF_EMPTY):
                yield name
        elif name in before and before[name] != after and (not is_ours or after == default):
            yield name


def refusal(names: list[str], given: Mapping[str, Any], last: Any) -> str:
    """Say which parameters would be undone, where each gets its value, and how to deploy nevertheless."""
    places = [f"  {name}: {', '.join(names_in(given.get(name))) or 'infra/main.parameters.json'}" for name in names]
    time = last["properties"]["timestamp"]
    return "\n".join(
        [
            f"The last deployment ({last['name']}, {time}) has other values of these parameters,",
            "or they are secrets, which cannot be compared:",
            *places,
            "Set the right value of each in the environment of GitHub, or in the file that is named. If all are right,",
            f"set the variable ACCEPTED_RESET of that environment to {time}, and run the workflow again.",
        ]
    )


def main(arguments: list[str], variables: Mapping[str, str]) -> int:
    template, deployments = (json.loads(Path(each).read_text(encoding="utf-8")) for each in arguments)
    file = json.loads(_PARAMETERS.read_text(encoding="utf-8"))
    given = file["parameters"]
    try:
        filled = fill(template, given, variables)
        last = last_deployment(deployments, filled["environmentName"])
        names = list(undone(template, filled, last)) if last else []
        if names and variables.get("ACCEPTED_RESET") != last["properties"]["timestamp"]:
            raise RefusedError(refusal(names, given, last))
    except RefusedError as error:
        print(error, file=sys.stderr)  # noqa: T201
        return 1
    print(json.dumps({**file, "parameters": {name: {"value": value} for name, value in filled.items()}}))  # noqa: T201
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:], os.environ))
