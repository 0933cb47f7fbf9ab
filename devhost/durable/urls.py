"""The addresses of the durable HTTP API, as its clients receive them."""

import json

_KEY = "code=devhost"


def client_binding(origin: str, hub: str) -> str:
    """Return the JSON from which the SDK builds a function's durable client."""
    base = f"{origin}/runtime/webhooks/durabletask"
    starting = f"{base}/orchestrators/{{functionName}}[/{{instanceId}}]"
    waiting = f"{starting}?timeout={{timeoutInSeconds}}&pollingInterval={{intervalInSeconds}}&{_KEY}"
    return json.dumps(
        {
            "taskHubName": hub,
            "connectionName": None,
            "baseUrl": base,
            "requiredQueryStringParameters": _KEY,
            "rpcBaseUrl": f"{origin}/durabletask/",
            "creationUrls": {
                "createNewInstancePostUri": f"{starting}?{_KEY}",
                "createAndWaitOnNewInstancePostUri": waiting,
            },
            "managementUrls": management_urls(origin, hub, "INSTANCEID"),
        }
    )


def management_urls(origin: str, hub: str, instance_id: str) -> dict[str, str]:
    """Return the addresses for one instance, in the form of the real API."""
    base = f"{origin}/runtime/webhooks/durabletask/instances/{instance_id}"
    query = f"taskHub={hub}&connection=Storage&{_KEY}"
    return {
        "id": instance_id,
        "statusQueryGetUri": f"{base}?{query}",
        "sendEventPostUri": f"{base}/raiseEvent/{{eventName}}?{query}",
        "terminatePostUri": f"{base}/terminate?reason={{text}}&{query}",
        "rewindPostUri": f"{base}/rewind?reason={{text}}&{query}",
        "purgeHistoryDeleteUri": f"{base}?{query}",
        "restartPostUri": f"{base}/restart?{query}",
        "suspendPostUri": f"{base}/suspend?reason={{text}}&{query}",
        "resumePostUri": f"{base}/resume?reason={{text}}&{query}",
    }
