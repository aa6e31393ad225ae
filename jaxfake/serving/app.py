"""Puts the server together: the page and the endpoints behind the gate, and the scorer beside them."""

import asyncio
import contextlib
import dataclasses
from collections.abc import AsyncIterator, Callable, Sequence

from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from starlette.exceptions import HTTPException
from starlette.responses import Response
from starlette.routing import BaseRoute, Match
from starlette.types import ASGIApp

from jaxfake.serving.desk import Desk
from jaxfake.serving.gate.access import Access
from jaxfake.serving.gate.cross_site import API, check_origin
from jaxfake.serving.gate.gate import FAILED, Gate, tell_terminal
from jaxfake.serving.gate.headers import SafeHeaders
from jaxfake.serving.gate.hosts import KnownHosts
from jaxfake.serving.jobs.fair_queue import FairQueue
from jaxfake.serving.jobs.job_store import JobStore
from jaxfake.serving.jobs.scorer import Scorer
from jaxfake.serving.limited.process import ProcessLimits
from jaxfake.serving.limits import Limits
from jaxfake.serving.page import page_routes
from jaxfake.serving.refusal import Refusal
from jaxfake.serving.routes import json_routes

_DESCRIPTION = (
    "Ask a deepfake detector about a picture or a video. A verdict is evidence, not proof."
)

_SENTENCES = {
    404: "There is no such page.",
    405: "This cannot be done with that page.",
}


@dataclasses.dataclass(frozen=True)
class Service:
    """What a server is.

    Attributes:
        key: for signatures, which nobody else may know.
        command: scores the file in the current folder, see `detector_command`.
        host: at which it listens.
        token: that people need; None if all who reach it are let in.
        names: further names by which people reach it.
        limits: of everything.
        failed: is told of errors of the server itself.
    """

    key: str
    command: list[str]
    host: str = "127.0.0.1"
    token: str | None = None
    names: tuple[str, ...] = ()
    limits: Limits = dataclasses.field(default_factory=Limits)
    failed: Callable[[Exception], None] = tell_terminal


def build_app(service: Service, store: JobStore) -> ASGIApp:
    """The server as one application of ASGI. Its scorer works while the application runs."""
    limits = service.limits
    queue = FairQueue(limits.waiting, limits.waiting_each)
    scorer = Scorer(store, queue, service.command, work_limits(limits))
    access = Access(service.key, service.token)
    app = FastAPI(
        title="jaxfake",
        description=_DESCRIPTION,
        version="1",
        openapi_url=f"{API}openapi.json",
        docs_url=None,  # its page loads scripts of another site
        redoc_url=None,
        lifespan=_working(scorer),
        redirect_slashes=False,
    )
    routers = json_routes(Desk(store, queue, scorer, limits), access), page_routes()
    for router in routers:
        app.include_router(router)
    _refuse_in_sentences(app, [route for router in routers for route in router.routes])
    checks = (KnownHosts(service.host, service.names).check, check_origin, access.check)
    return SafeHeaders(Gate(app, checks, service.failed))


def work_limits(limits: Limits) -> ProcessLimits:
    """The limits of a process that scores a file."""
    return ProcessLimits(limits.work_seconds, limits.work_memory, limits.written_bytes)


def _working(scorer: Scorer) -> Callable[[FastAPI], contextlib.AbstractAsyncContextManager[None]]:
    """While the application runs, the scorer works; what it works on at the end is ended."""

    @contextlib.asynccontextmanager
    async def lifespan(_: FastAPI) -> AsyncIterator[None]:
        task = asyncio.create_task(scorer.work())
        try:
            yield
        finally:
            task.cancel()
            await asyncio.wait([task])

    return lifespan


def _methods(routes: Sequence[BaseRoute], request: Request) -> list[str]:
    """All that can be done with a path; the library names the methods of one of its endpoints alone."""
    of_path = (one for one in routes if one.matches(request.scope)[0] is not Match.NONE)
    return sorted({method for one in of_path for method in getattr(one, "methods", None) or ()})


def _refuse_in_sentences(app: FastAPI, routes: Sequence[BaseRoute]) -> None:
    """Every refusal, also the libraries' own, is one plain sentence."""

    @app.exception_handler(Refusal)
    async def refused(_: Request, refusal: Refusal) -> Response:
        return refusal.response()

    @app.exception_handler(HTTPException)
    async def refused_by_library(request: Request, error: HTTPException) -> Response:
        sentence = _SENTENCES.get(error.status_code, "The request cannot be understood.")
        headers = dict(error.headers or {})
        if error.status_code == 405:
            headers["Allow"] = ", ".join(_methods(routes, request))
        return Refusal(error.status_code, sentence, headers).response()

    @app.exception_handler(RequestValidationError)
    async def invalid(_: Request, error: RequestValidationError) -> Response:
        names = sorted({str(one["loc"][-1]) for one in error.errors() if one.get("loc")})
        return Refusal(422, f"The request is not valid: look at {', '.join(names)}.").response()

    @app.exception_handler(Exception)
    async def failed(_: Request, __: Exception) -> Response:
        return FAILED.response()
