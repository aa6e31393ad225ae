"""The JSON endpoints."""

import json
from typing import Annotated, Any

from fastapi import APIRouter, Path, Query, Request, Response
from fastapi.responses import FileResponse

from jaxfake.serving import receiving
from jaxfake.serving.answers import (
    JobAnswer,
    Refused,
    SessionAnswer,
    job_answer,
    limits_answer,
)
from jaxfake.serving.desk import Desk
from jaxfake.serving.gate.access import TOKEN_HEADER, Access
from jaxfake.serving.gate.cross_site import API
from jaxfake.serving.gate.headers import REPORT_POLICY
from jaxfake.serving.gate.people import client_of, introduce
from jaxfake.serving.jobs.job import JOB_ID, Job
from jaxfake.serving.jobs.job_store import REPORT, RESULTS
from jaxfake.serving.refusal import Refusal

_MOST_TOKEN_BYTES, _TOKEN_SECONDS = 1 << 16, 10.0
_LONGEST_NAME = 1000

_Id = Annotated[str, Path(pattern=JOB_ID, description="Of the job; whoever knows it may ask.")]
_Name = Annotated[
    str, Query(max_length=_LONGEST_NAME, description="To be shown; it is never used as a path.")
]

_STATUSES = {
    400: "The request cannot be understood.",
    401: "The server's token is missing.",
    403: "Not from a page of this server, or not one's own file.",
    404: "There is no such job.",
    408: "The body came too slowly.",
    409: "The job has no result.",
    413: "The body is too large.",
    421: "The server does not go by that name.",
    422: "The request is not valid, or its body is empty.",
    429: "There is no room in the queue.",
    500: "The server failed.",
    507: "The server's disk is full.",
}
_FILE_BODY = {
    "required": True,
    "content": {
        "application/octet-stream": {
            "schema": {"type": "string", "format": "binary", "minLength": 1}
        }
    },
}
_TOKEN_BODY = {
    "required": True,
    "content": {
        "application/json": {
            "schema": {
                "type": "object",
                "required": ["token"],
                "properties": {"token": {"type": "string"}},
            }
        }
    },
}
_PAGE_TOKEN = {
    "name": TOKEN_HEADER,
    "in": "header",
    "required": False,
    "schema": {"type": "string"},
    "description": "From /api/session, with the same cookie; not needed with Authorization.",
}


def _refusals(*statuses: int) -> dict[int | str, dict[str, Any]]:
    common = (401, 403, 421, 422, 500)
    return {
        status: {"model": Refused, "description": _STATUSES[status]}
        for status in sorted({*common, *statuses})
    }


def json_routes(desk: Desk, access: Access) -> APIRouter:
    """The endpoints below /api/."""
    router = APIRouter(prefix=API.rstrip("/"))
    _add_session(router, desk, access)
    _add_jobs(router, desk)
    _add_results(router, desk)
    return router


def _add_session(router: APIRouter, desk: Desk, access: Access) -> None:
    """Who is asking, and whether they are let in."""

    @router.get("/session", responses=_refusals())
    async def session(request: Request, response: Response) -> SessionAnswer:
        """Begins to send files: tells the limits and the token of the page, and sets a cookie."""
        client = introduce(request, response)
        admitted = access.admits(request)
        return SessionAnswer(
            admitted=admitted,
            page_token=access.page_token(client) if admitted else "",
            limits=limits_answer(desk.limits),
        )

    @router.post(
        "/access",
        status_code=204,
        responses=_refusals(408, 413),
        openapi_extra={"requestBody": _TOKEN_BODY},
    )
    async def grant(request: Request) -> Response:
        """Gives a browser the cookie that lets it in, for the server's token."""
        response = Response(status_code=204)
        body = await receiving.read_small(request, _MOST_TOKEN_BYTES, _TOKEN_SECONDS)
        access.grant(_token_in(body), response)
        return response


def _add_jobs(router: APIRouter, desk: Desk) -> None:
    """Files: sending them, where they stand, removing them."""

    def answer(job: Job) -> JobAnswer:
        return job_answer(job, desk.ahead(job), desk.progress(job))

    @router.get("/jobs", responses=_refusals())
    async def history(request: Request) -> list[JobAnswer]:
        """One's own files, the newest first."""
        return [answer(job) for job in desk.of(client_of(request))]

    @router.post(
        "/jobs",
        status_code=201,
        responses=_refusals(408, 413, 429, 507),
        openapi_extra={"requestBody": _FILE_BODY, "parameters": [_PAGE_TOKEN]},
    )
    async def send(request: Request, name: _Name = "") -> JobAnswer:
        """Sends a picture or a video as the body; what cannot be scored fails at once."""
        return answer(await desk.take_in(client_of(request), name, request))

    @router.get("/jobs/{id}", responses=_refusals(404))
    async def job(id: _Id) -> JobAnswer:
        """Where a file stands."""
        return answer(desk.find(id))

    @router.delete(
        "/jobs/{id}",
        status_code=204,
        responses=_refusals(404),
        openapi_extra={"parameters": [_PAGE_TOKEN]},
    )
    async def remove(request: Request, id: _Id) -> Response:
        """Stops the work on a file, and removes it with its results."""
        await desk.remove(client_of(request), id)
        return Response(status_code=204)


def _add_results(router: APIRouter, desk: Desk) -> None:
    """What the detector says of a file."""

    @router.get("/jobs/{id}/results", responses=_refusals(404, 409), response_model=None)
    async def results(id: _Id) -> FileResponse:
        """The detector's results.json. The pictures that it names are in the report."""
        return FileResponse(desk.result_file(id, RESULTS), media_type="application/json")

    @router.get(
        "/jobs/{id}/report",
        responses=_refusals(404, 409) | {200: {"content": {"text/html": {}}}},
        response_class=FileResponse,
    )
    async def report(id: _Id) -> FileResponse:
        """The detector's report, one page of HTML that runs no script."""
        return FileResponse(
            desk.result_file(id, REPORT),
            media_type="text/html",
            headers={"Content-Security-Policy": REPORT_POLICY},
        )


def _token_in(body: bytes) -> str:
    try:
        token = json.loads(body)["token"]
    except (ValueError, LookupError, TypeError, RecursionError):
        token = None
    if not isinstance(token, str):
        raise Refusal(422, 'Send the token as JSON: {"token": "..."}.')
    return token
