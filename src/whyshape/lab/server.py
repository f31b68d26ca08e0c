"""The page of `whyshape play` on loopback, with PyTorch behind it. One model, one reader, one machine.

There are no files: the page is a string in memory, and the three paths in `Guard` are all there is.
"""

from __future__ import annotations

import asyncio
import base64
import binascii
import json
import secrets
import socket
from collections.abc import Callable
from typing import Any

import torch
import uvicorn
from starlette.applications import Starlette
from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import HTMLResponse, JSONResponse, Response
from starlette.routing import Route
from torch import nn

from whyshape.errors import WhyshapeError
from whyshape.graph import Graph
from whyshape.lab.guard import MOST_BODY, Guard, Refused, Timely
from whyshape.lab.page import document, encoded, graph_of, normalised, policy, sent
from whyshape.lab.record import calls
from whyshape.lab.values import value

BODY_SECONDS, ANSWER_SECONDS = 10, 20
PIXELS = 28 * 28


def application(model: nn.Module, told: dict[str, Any], title: str, port: int, token: str) -> Guard:
    """The guarded application of a model that takes (1, 1, 28, 28) and gives (1, classes)."""
    graph = graph_of(model)
    data = sent(model, graph, told, title, server=True)
    whole = document(data)
    turn = asyncio.Lock()  # one forward at a time: hooks are put on the one model

    async def ask(work: Callable, *given: Any) -> Any:
        """What the work gives; a thread cannot be stopped, so one that is late keeps its turn and the reader is told."""

        async def in_turn():
            async with turn:
                return await run_in_threadpool(work, *given)

        try:
            return await asyncio.wait_for(asyncio.shield(asyncio.ensure_future(in_turn())), ANSWER_SECONDS)
        except asyncio.TimeoutError:
            raise Refused(503, f"the model did not answer within {ANSWER_SECONDS} seconds") from None

    async def start(_: Request) -> Response:
        return HTMLResponse(whole, headers={"content-security-policy": f"{policy(server=True)}; frame-ancestors 'none'"})

    async def forward(request: Request) -> Response:
        pixels = pixels_of(await question(request))
        return JSONResponse({"values": await ask(activations, model, graph, data, normalised(pixels, told))})

    async def explain(request: Request) -> Response:
        asked = await question(request)
        pixels, layer, at = pixels_of(asked), asked.get("layer"), asked.get("at")
        if not isinstance(layer, str) or not isinstance(at, list) or not all(type(i) is int for i in at):
            raise Refused(400, "explain takes a layer and a place such as [3, 5, 7]")
        found = await ask(value, model, layer, tuple(at), normalised(pixels, told))
        return JSONResponse(found.to_dict())

    async def refused(_: Request, problem: Exception) -> Response:
        return JSONResponse({"error": str(problem)}, problem.status if isinstance(problem, Refused) else 400)

    async def broken(_: Request, problem: Exception) -> Response:
        return JSONResponse({"error": "this server made a mistake; its terminal shows which"}, 500)

    routes = {"": ("GET", start), "forward": ("POST", forward), "explain": ("POST", explain)}
    app = Starlette(
        routes=[Route(f"/{token}/{name}", answer, methods=[method]) for name, (method, answer) in routes.items()],
        exception_handlers={Refused: refused, WhyshapeError: refused, Exception: broken},
    )
    return Guard(app, port, {f"/{token}/{name}": method for name, (method, _) in routes.items()})


async def question(request: Request) -> dict[str, Any]:
    """The JSON object of a request's body, once it is small, soon there, and JSON."""
    if request.headers.get("content-type", "").partition(";")[0].strip().lower() != "application/json":
        raise Refused(415, "the body must be application/json")
    try:
        asked = json.loads(await asyncio.wait_for(body_of(request), BODY_SECONDS))
    except asyncio.TimeoutError:
        raise Refused(408, f"the body did not arrive within {BODY_SECONDS} seconds") from None
    except (ValueError, RecursionError):
        raise Refused(400, "the body is not JSON") from None
    if not isinstance(asked, dict):
        raise Refused(400, "the body is not a JSON object")
    return asked


async def body_of(request: Request) -> bytes:
    body = bytearray()
    async for chunk in request.stream():
        body += chunk
        if len(body) > MOST_BODY:
            raise Refused(413, f"the body is larger than {MOST_BODY} bytes")
    return bytes(body)


def pixels_of(asked: dict[str, Any]) -> bytes:
    """The 28 x 28 bytes of a question."""
    try:
        pixels = base64.b64decode(asked["pixels"], validate=True)
    except (KeyError, TypeError, ValueError, binascii.Error):
        raise Refused(400, "pixels must be base64") from None
    if len(pixels) != PIXELS:
        raise Refused(400, f"pixels must be 28 x 28 = {PIXELS} bytes, {len(pixels)} arrived")
    return pixels


def activations(model: nn.Module, graph: Graph, data: dict[str, Any], x: torch.Tensor) -> list[str | None]:
    """PyTorch's numbers for each tensor of the page, base64 float32; None where no layer stands behind a tensor."""
    place = {made: page for node, sent in zip(graph.nodes, data["model"]["nodes"]) for made, page in zip(node.outputs, sent[2])}
    found: list[str | None] = [None] * len(data["model"]["tensors"])
    found[data["model"]["inputs"][0][0]] = encoded(x)
    begun = [call for call in graph.calls if call.outputs]
    for call in calls(model, x):
        mine = next((at for at in begun if at.path == call.path), None)
        if mine is not None:
            begun.remove(mine)
            if mine.outputs[0] in place:
                found[place[mine.outputs[0]]] = encoded(call.output)
    return found


def listening(port: int) -> socket.socket:
    """A socket on 127.0.0.1, and nowhere else; port 0 lets the system choose."""
    ear = socket.socket(socket.AF_INET, socket.SOCK_STREAM)
    ear.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        ear.bind(("127.0.0.1", port))
    except (OSError, OverflowError) as problem:
        ear.close()
        raise WhyshapeError(f"port {port} of 127.0.0.1 cannot be used: {problem}") from None
    return ear


def serve(model: nn.Module, told: dict[str, Any], title: str, port: int = 0, ready: Callable[[str], None] = print) -> None:
    """Serve until Ctrl+C; ``ready`` is told the address when it works."""
    ear = listening(port)
    token = secrets.token_urlsafe(24)
    own = ear.getsockname()[1]
    app = application(model, told, title, own, token)
    config = uvicorn.Config(
        app, http=Timely, ws="none", log_level="error", access_log=False, server_header=False, date_header=False,
        limit_concurrency=64, timeout_keep_alive=5, proxy_headers=False,
    )  # fmt: skip
    ready(f"http://127.0.0.1:{own}/{token}/")
    try:
        uvicorn.Server(config).run(sockets=[ear])
    except KeyboardInterrupt:
        print()
    finally:
        ear.close()
