"""The HTTP side of the demo: TensorFlow Serving's REST interface under /v1/, and the page everywhere else."""

import json
import os
from collections.abc import Sequence
from typing import Any

from starlette.applications import Starlette
from starlette.concurrency import run_in_threadpool
from starlette.datastructures import MutableHeaders
from starlette.middleware import Middleware
from starlette.middleware.cors import CORSMiddleware
from starlette.middleware.trustedhost import TrustedHostMiddleware
from starlette.requests import ClientDisconnect, Request
from starlette.responses import RedirectResponse, Response
from starlette.routing import BaseRoute, Mount, Route
from starlette.staticfiles import StaticFiles
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from pixelrnn_tf.serving.demo import rest_json
from pixelrnn_tf.serving.demo.served_model import ServedModel

# A request of 256 images of 64x64x3 bytes, the largest that an export takes by default, has about 12 MB of JSON.
MOST_BYTES = 2**24
# Names of this machine. A page of another site that has its own name point here is rejected (DNS rebinding).
HOSTS = ("127.0.0.1", "localhost")
HEADERS = {
    "Content-Security-Policy": "default-src 'self'; img-src 'self' data: blob:; connect-src *; base-uri 'none'; "
    "form-action 'none'; frame-ancestors 'none'",
    "Cache-Control": "no-cache",
    "Referrer-Policy": "no-referrer",
    "X-Content-Type-Options": "nosniff",
}


def make_app(
    served: ServedModel,
    page: str | os.PathLike | None = None,
    allow_origin: Sequence[str] = (),
    most_bytes: int = MOST_BYTES,
) -> Starlette:
    """An ASGI application.

    Args:
        served: the model.
        page: folder of the page; None for the REST interface only.
        allow_origin: origins, such as "http://localhost:8000", whose pages may use the server; "*" for every origin.
            Requests from pages of others get HTTP status 403.
        most_bytes: the largest body of a request; a larger one gets HTTP status 413.
    """

    async def api(request: Request) -> Response:
        # A browser sends a POST of plain text without asking whether the page may, so hiding the answer is not enough.
        origin = request.headers.get("origin")
        own = f"{request.url.scheme}://{request.url.netloc}"
        if origin is not None and not {origin, "*"} & {own, *allow_origin}:
            return _json(403, {"error": f"Pages of {origin} may not use this server. Pass --allow_origin={origin}."})
        try:
            body = await _body(request, most_bytes)
        except ClientDisconnect:
            return Response(status_code=400)
        if body is None:
            return _json(413, {"error": f"The request is larger than {most_bytes} bytes."})
        path = request.scope["raw_path"].decode("ascii", "replace")
        return _json(*await run_in_threadpool(rest_json.answer, served, request.method, path, body))

    async def index(request: Request) -> Response:
        if "model" in request.query_params:
            return await files.get_response("index.html", request.scope)
        return RedirectResponse(str(request.url.replace(path="/").include_query_params(model=served.name)))

    routes: list[BaseRoute] = [Route("/v1/{path:path}", api, methods=["GET", "POST"])]
    if page is not None:
        files = StaticFiles(directory=page)
        routes += [Route("/", index), Mount("/", files)]
    middleware = [Middleware(TrustedHostMiddleware, allowed_hosts=list(HOSTS), www_redirect=False)]
    if allow_origin:
        middleware.append(Middleware(CORSMiddleware, allow_origins=list(allow_origin), allow_methods=["GET", "POST"]))
    return Starlette(routes=routes, middleware=[*middleware, Middleware(_WithHeaders)])


async def _body(request: Request, most_bytes: int) -> bytes | None:
    """The body of a request; None if it is too large, of which no more is read."""
    length = request.headers.get("content-length", "0")
    if not length.isdecimal() or int(length) > most_bytes:
        return None
    parts, size = [], 0
    async for part in request.stream():
        size += len(part)
        if size > most_bytes:
            return None
        parts.append(part)
    return b"".join(parts)


def _json(status: int, content: dict[str, Any]) -> Response:
    return Response(json.dumps(content), status, media_type="application/json")


class _WithHeaders:
    """Middleware that adds `HEADERS` to every answer."""

    def __init__(self, app: ASGIApp):
        self.app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        async def with_headers(message: Message) -> None:
            if message["type"] == "http.response.start":
                MutableHeaders(scope=message).update(HEADERS)
            await send(message)

        await self.app(scope, receive, with_headers)
