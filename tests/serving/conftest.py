"""A server with a stand-in for the detector, and people who ask it."""

import contextlib
import dataclasses
import sys
from collections.abc import Iterator
from pathlib import Path

import cv2
import numpy as np
import pytest
from starlette.testclient import TestClient

from jaxfake.serving import app
from jaxfake.serving.app import Service
from jaxfake.serving.jobs.job_store import JobStore
from jaxfake.serving.limits import Limits
from tests.processes import FOREVER, until

STAND_IN = Path(__file__).with_name("stand_in.py")
PATIENT = Limits(
    upload_seconds=FOREVER, idle_seconds=FOREVER, check_seconds=FOREVER, work_seconds=FOREVER
)
"""No limit of time ends anything on a slow machine."""

PICTURE = cv2.imencode(
    ".png", np.random.default_rng(0).integers(0, 255, (24, 24, 3)).astype(np.uint8)
)[1].tobytes()


class Person:
    """Someone with a browser of their own."""

    def __init__(self, served: "Served") -> None:
        self.client = TestClient(served.app, base_url="http://localhost:8000")
        self.client.portal = served.client.portal  # the same event loop
        session = self.client.get("/api/session").json()
        self.headers = {"X-Jaxfake-Token": session["page_token"]}

    def send(self, content=PICTURE, name="clip.png", **headers):
        return self.client.post(
            "/api/jobs", params={"name": name}, content=content, headers=self.headers | headers
        )

    def job(self, identity):
        return self.client.get(f"/api/jobs/{identity}").json()

    def ended(self, identity):
        """The job, once it has ended."""
        until(lambda: self.job(identity)["state"] not in ("queued", "running"))
        return self.job(identity)

    def is_running(self, identity):
        """Returns once the stand-in works on that job."""

        def has_begun():
            job = self.job(identity)
            assert job["state"] in ("queued", "running"), job
            return (job["progress"] or {}).get("total")

        until(has_begun)


@dataclasses.dataclass
class Served:
    """A running server."""

    app: object
    client: TestClient
    store: JobStore
    control: Path  # for the stand-in
    folder: Path
    failures: list

    def person(self):
        return Person(self)

    def hold(self):
        """From now on the stand-in waits, until `let_go`."""
        (self.control / "hold").touch()

    def let_go(self):
        (self.control / "hold").unlink()

    def do(self, deed):
        (self.control / "do").write_text(deed)

    def files(self):
        """All files that the server keeps."""
        found = (path for path in self.folder.rglob("*") if not path.is_dir())
        return sorted(path.relative_to(self.folder).as_posix() for path in found)


@pytest.fixture
def serving(tmp_path):
    """Runs servers, one after the other, on the same folder: a context manager."""

    @contextlib.contextmanager
    def run(limits=PATIENT, **options) -> Iterator[Served]:
        folder, control = tmp_path / "served", tmp_path / "control"
        control.mkdir(exist_ok=True)
        store = JobStore(folder, limits.kept)
        failures: list[Exception] = []
        stand_in = [sys.executable, str(STAND_IN), str(control)]
        fixed = {"key": "a key of the test", "limits": limits, "failed": failures.append}
        service = Service(**fixed, **{"command": stand_in} | options)
        built = app.build_app(service, store)
        with TestClient(built, base_url="http://localhost:8000") as client:
            yield Served(built, client, store, control, folder, failures)
        assert failures == []

    return run


@pytest.fixture
def served(serving):
    """A running server."""
    with serving() as running:
        yield running
