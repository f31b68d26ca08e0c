"""What stands before the local server: who may ask, how much, how long; and the headers every answer carries."""

from __future__ import annotations

import secrets

from starlette.responses import JSONResponse
from uvicorn.protocols.http.h11_impl import H11Protocol

MOST_BODY = 1 << 20  # bytes
HEAD_SECONDS = 10  # for a request's first lines to arrive
CLOSED = {
    "content-security-policy": "default-src 'none'; frame-ancestors 'none'",
    "x-content-type-options": "nosniff",
    "x-frame-options": "DENY",
    "referrer-policy": "no-referrer",  # the address holds the token
    "cache-control": "no-store",
    "cross-origin-resource-policy": "same-origin",
    "cross-origin-opener-policy": "same-origin",
}


class Refused(Exception):
    """A request that is answered with a status and one sentence."""

    def __init__(self, status: int, sentence: str):
        super().__init__(sentence)
        self.status, self.sentence = status, sentence


class Guard:
    """An ASGI application in front of another. ``paths`` is the whole list of what can be asked: exact path to its one method."""

    def __init__(self, app, port: int, paths: dict[str, str]):
        self.app = app
        self.hosts = {f"{name}:{port}" for name in ("127.0.0.1", "localhost", "[::1]")}
        self.origins = {f"http://{host}" for host in self.hosts}
        self.paths = paths

    async def __call__(self, scope, receive, send):
        if scope["type"] == "lifespan":
            return await self.app(scope, receive, send)
        if scope["type"] != "http":
            return await send({"type": "websocket.close", "code": 1008})

        async def closed(message):
            if message["type"] == "http.response.start":
                own = {name for name, _ in message["headers"]}
                more = [(n.encode(), v.encode()) for n, v in CLOSED.items() if n.encode() not in own]
                message = message | {"headers": [*message["headers"], *more]}
            await send(message)

        try:
            self.check(scope)
        except Refused as problem:
            return await JSONResponse({"error": problem.sentence}, problem.status)(scope, receive, closed)
        await self.app(scope, receive, closed)

    def check(self, scope) -> None:
        """Refuse what this machine's own page would not send. Order matters: a stranger learns nothing about paths."""
        headers = scope["headers"]
        named = {name: [v.decode("latin-1") for n, v in headers if n == name] for name in (b"host", b"origin", b"sec-fetch-site")}
        if len(named[b"host"]) != 1 or named[b"host"][0].lower() not in self.hosts:
            raise Refused(403, "this server answers to 127.0.0.1 and localhost only")
        if any(site not in ("same-origin", "none") for site in named[b"sec-fetch-site"]):
            raise Refused(403, "another site's page may not ask this server")
        origins = named[b"origin"]
        if any(o not in self.origins for o in origins) or (scope["method"] not in ("GET", "HEAD") and len(origins) != 1):
            raise Refused(403, "only the page of this server may ask it")
        path = scope.get("raw_path", scope["path"].encode()).partition(b"?")[0]
        # every path is compared, in constant time: how long the answer takes tells nothing about the token
        found = [method for known, method in self.paths.items() if secrets.compare_digest(known.encode(), path)]
        if not found:
            raise Refused(404, "there is nothing here")
        if scope["method"] != found[0]:
            raise Refused(405, f"this is asked with {found[0]}")
        for name, length in headers:
            if name == b"content-length" and (not length.isdigit() or int(length) > MOST_BODY):
                raise Refused(413, f"the body is larger than {MOST_BODY} bytes")


class Timely(H11Protocol):
    """uvicorn's HTTP, but a connection whose request does not arrive in time is dropped, and so is one that sends no HTTP."""

    def connection_made(self, transport):
        super().connection_made(transport)
        self.loop.call_later(HEAD_SECONDS, self.drop_if_silent)

    def drop_if_silent(self):
        if self.cycle is None and not self.transport.is_closing():
            self.transport.close()

    def send_400_response(self, msg: str) -> None:
        self.transport.close()
