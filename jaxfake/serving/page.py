"""The page: a few files of our own, read once. Nothing of a request becomes a path."""

from pathlib import Path

from fastapi import APIRouter, Response

from jaxfake.serving.jobs.job import is_job_id
from jaxfake.serving.refusal import Refusal

_FOLDER = Path(__file__).parent / "browser"
_KINDS = {
    ".css": "text/css; charset=utf-8",
    ".js": "text/javascript; charset=utf-8",
    ".svg": "image/svg+xml",
}


def page_routes() -> APIRouter:
    """The page, the page of one job, and the files that they load."""
    page = (_FOLDER / "index.html").read_bytes()
    assets = {file.name: file for file in _FOLDER.iterdir() if file.suffix in _KINDS}
    contents = {name: file.read_bytes() for name, file in assets.items()}
    router = APIRouter(include_in_schema=False)

    @router.get("/")
    async def start() -> Response:
        return Response(page, media_type="text/html")

    @router.get("/jobs/{id}")
    async def job(id: str) -> Response:
        if not is_job_id(id):
            raise Refusal(404, "There is no such page.")
        return Response(page, media_type="text/html")

    @router.get("/files/{name}")
    async def asset(name: str) -> Response:
        if name not in contents:
            raise Refusal(404, "There is no such page.")
        kind = _KINDS[assets[name].suffix]
        return Response(contents[name], headers={"Content-Type": kind, "Cache-Control": "no-cache"})

    return router
