# mypy: ignore-errors
"""HTTP functions that return the request they receive, and that return each kind of result."""

import asyncio
import hashlib
import json
import logging
import sys

import azure.functions as func

app = func.FunctionApp(http_auth_level=func.AuthLevel.ANONYMOUS)
more = func.Blueprint()
running = []


@app.route(route="echo/{name}/{note?}")
def echo(req: func.HttpRequest) -> func.HttpResponse:
    seen = {
        "method": req.method,
        "url": req.url,
        "headers": dict(req.headers),
        "params": dict(req.params),
        "route": dict(req.route_params),
        "body": req.get_body().hex(),
    }
    return func.HttpResponse(json.dumps(seen), mimetype="application/json")


@app.route(route="digest", methods=["PUT"])
async def digest(req: func.HttpRequest) -> str:
    return f"{len(req.get_body())} {hashlib.sha256(req.get_body()).hexdigest()}"


@app.route(route="big/{size:int}", methods=["GET"])
def big(req: func.HttpRequest) -> func.HttpResponse:
    return func.HttpResponse(b"x" * int(req.route_params["size"]), mimetype="application/octet-stream")


@app.route(route="big/{name}", methods=["GET"])
def named(req: func.HttpRequest) -> str:
    return "named"


@app.route(route="big/literal", methods=["GET"])
def literal(req: func.HttpRequest) -> str:
    return "literal"


@app.route(route="files/{*rest}", methods=["GET", "HEAD"])
def files(req: func.HttpRequest) -> str:
    return req.route_params.get("rest", "-")


@app.route(route="verbs", methods=["GET", "POST"])
def verbs(req: func.HttpRequest, context: func.Context) -> str:
    return context.function_name


@app.route(route="cookies")
def cookies(req: func.HttpRequest) -> func.HttpResponse:
    response = func.HttpResponse("ok", status_code=201, headers={"X-Note": "a"})
    response.headers.add("Set-Cookie", "one=1; Path=/")
    response.headers.add("Set-Cookie", "two=2; HttpOnly")
    return response


@app.route(route="breaks")
def breaks(req: func.HttpRequest) -> str:
    logging.info("about to break")
    raise RuntimeError("secret detail")


@app.route(route="nothing")
def nothing(req: func.HttpRequest):
    return None


@app.route(route="split")
def split(req: func.HttpRequest) -> func.HttpResponse:
    return func.HttpResponse("x", headers={"X-Bad": "a\r\nX-Injected: b"})


@app.route(route="status/{status:int}/{body?}")
def with_status(req: func.HttpRequest) -> func.HttpResponse:
    status, body = int(req.route_params["status"]), req.route_params.get("body")
    return func.HttpResponse(body, status_code=status, headers={"X-Empty": "", "ETag": '"1"'})


@app.route(route="untyped")
def untyped(req: func.HttpRequest) -> func.HttpResponse:
    return func.HttpResponse("text", headers={"Content-Type": ""})


@app.route(route="logs/{place}")
async def logs(req: func.HttpRequest, context: func.Context) -> str:
    """Logs a line in its task, in another task, in a thread, or in a thread that names the invocation."""
    place = req.route_params["place"]

    async def in_task() -> None:
        logging.info("line from %s", place)

    def in_thread() -> None:
        if place == "carried":
            announce(context)
        logging.info("line from %s", place)
        context.thread_local_storage.invocation_id = None

    if place == "here":
        await in_task()
    elif place == "task":
        await asyncio.create_task(in_task())
    else:
        await asyncio.to_thread(in_thread)
    return "logged"


def announce(context: func.Context) -> None:
    """Tell the worker the invocation of this thread: up to Python 3.12 in the first way, from 3.13 on in the second."""
    context.thread_local_storage.invocation_id = context.invocation_id
    runtime = sys.modules.get("azure_functions_runtime")
    if runtime:
        runtime.invocation_id_cv.set(context.invocation_id)


@app.route(route="late")
async def late(req: func.HttpRequest) -> str:
    """Logs a line after it has returned."""

    async def log() -> None:
        await asyncio.sleep(0.2)
        logging.info("line from late")

    running.append(asyncio.create_task(log()))
    return "logged"


@app.function_name("Renamed")
@app.route()
def original(req: func.HttpRequest) -> str:
    return "renamed"


@more.route(route="blueprint")
def of_blueprint(req: func.HttpRequest) -> str:
    return "blueprint"


app.register_functions(more)
