"""The server as a process: it is killed and asked to stop."""

import json
import signal
import sys
import urllib.request

from tests.processes import until
from tests.project import ROOT
from tests.serving.conftest import PICTURE, STAND_IN
from tests.serving.test_app import is_alive

PROGRAM = """
import sys
from pathlib import Path

from jaxfake.runtime.errors import Preempted
from jaxfake.runtime.preemption import preemption
from jaxfake.serving import app, server
from jaxfake.serving.jobs.job_store import JobStore

folder, stand_in, control = map(Path, sys.argv[1:4])
command = [sys.executable, str(stand_in), str(control)]
token = sys.argv[4] if len(sys.argv) > 4 else None
service = app.Service(key="key", command=command, token=token)
preemption.listen()
with server.listen("127.0.0.1", 0) as listening:
    built = app.build_app(service, JobStore(folder, 10))
    print(listening.getsockname()[1], flush=True)
    try:
        with preemption.protecting():
            server.serve(built, listening)
    except Preempted:
        print("stopped", flush=True)
"""


class Browser:
    """Asks a server over the network."""

    def __init__(self, port):
        self._address = f"http://127.0.0.1:{port}"
        self._headers = {}
        with self._ask("/api/session") as answer:
            cookie = answer.headers["Set-Cookie"].partition(";")[0]
            token = json.load(answer)["page_token"]
        self._headers = {"Cookie": cookie, "X-Jaxfake-Token": token}

    def _ask(self, path, body=None):
        request = urllib.request.Request(self._address + path, body, self._headers)
        return urllib.request.urlopen(request)

    def send(self):
        with self._ask("/api/jobs", PICTURE) as answer:
            return json.load(answer)["id"]

    def state(self, job):
        with self._ask(f"/api/jobs/{job}") as answer:
            return json.load(answer)["state"]


def test_killed_or_stopped_it_loses_nothing_and_leaves_no_process(tmp_path, processes):
    control = tmp_path / "control"
    control.mkdir()
    (control / "hold").touch()
    command = [sys.executable, "-c", PROGRAM, tmp_path / "served", STAND_IN, control]

    def start():
        job = processes.start(command, cwd=ROOT, stdout=-1)
        return job, Browser(int(job.stdout.readline()))

    server, browser = start()
    first = browser.send()
    until(lambda: (control / "pid").exists(), server)
    child = int((control / "pid").read_text())
    server.kill()
    server.wait()
    until(lambda: not is_alive(child))

    (control / "pid").unlink()
    (control / "hold").unlink()
    server, browser = start()
    until(lambda: browser.state(first) == "done", server)

    (control / "pid").unlink()
    (control / "hold").touch()
    second = browser.send()
    until(lambda: (control / "pid").exists(), server)
    child = int((control / "pid").read_text())
    server.send_signal(signal.SIGTERM)
    assert server.communicate()[0] == "stopped\n"
    assert server.returncode == 0
    assert not is_alive(child)

    (control / "hold").unlink()
    server, browser = start()
    assert browser.state(first) == "done"
    until(lambda: browser.state(second) == "done", server)
