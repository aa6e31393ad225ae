"""The verb at the terminal: what it says, how it exits, and to whom it opens."""

import re
import signal
import socket
import subprocess
import sys
import urllib.error
import urllib.request

import pytest

from tests.processes import PATIENCE, until
from tests.project import ROOT
from tests.serving.conftest import PICTURE, STAND_IN

PROGRAM = f"""
import sys

from jaxfake import serve
from jaxfake.runtime import cli
from jaxfake.serving.jobs import detector_command

control = sys.argv.pop(1)
detector_command.detect_command = lambda *_: [sys.executable, {str(STAND_IN)!r}, control]
cli.run(serve.main)
"""
"""The verb with the stand-in in place of the detector."""


@pytest.fixture
def control(tmp_path):
    folder = tmp_path / "control"
    folder.mkdir()
    return folder


def command(control, *arguments):
    folder = f"--folder={control.parent / 'served'}"
    return [sys.executable, "-c", PROGRAM, str(control), "--model=any", folder, *arguments]


def ended(words):
    return subprocess.run(words, cwd=ROOT, capture_output=True, text=True, timeout=PATIENCE)


def test_what_is_wrong_is_one_line_and_exit_2(control):
    (control / "do").write_text("fail")
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        for arguments, says in [
            ([f"--port={port}"], f"--port={port} cannot be listened at"),
            (["--prot=1"], "prot"),
            (["--max_megabytes=0"], "max_megabytes"),
            (["--model="], "--model is missing"),
            (["--port=0"], "the detector does not work: Traceback: something broke"),
        ]:
            done = ended(command(control, *arguments))
            assert done.returncode == 2, arguments
            assert says in done.stderr
            assert len(done.stderr.strip().splitlines()) == 1, done.stderr


def opened(job, pattern):
    """What the server's line about its address says."""
    assert job.stdout.readline() == "trying the detector\n"
    return re.search(pattern, job.stdout.readline())


def test_it_opens_to_this_machine_and_goes_on_after_a_stop(control, processes):
    words = command(control, "--port=0")
    server = processes.start(words, cwd=ROOT, stdout=-1, stderr=-1)
    address = opened(server, r"open (http://127\.0\.0\.1:\d+/) ")[1]
    second = ended(words)
    assert second.returncode == 2
    assert "a server is at work in" in second.stderr
    with urllib.request.urlopen(f"{address}api/session") as answer:
        token = re.search(rb'"page_token":"(\w+)"', answer.read())[1].decode()
        cookie = answer.headers["Set-Cookie"].partition(";")[0]
    headers = {"Cookie": cookie, "X-Jaxfake-Token": token}
    (control / "hold").touch()
    (control / "pid").unlink()
    urllib.request.urlopen(urllib.request.Request(f"{address}api/jobs", PICTURE, headers)).close()
    until(lambda: (control / "pid").exists(), server)
    server.send_signal(signal.SIGINT)
    _, complaint = server.communicate()
    assert server.returncode == 75
    assert complaint.endswith("not scored yet: 1; the same command goes on with them\n")


def test_elsewhere_it_opens_to_those_with_the_token(control, processes):
    words = command(control, "--port=0", "--host=0.0.0.0")
    server = processes.start(words, cwd=ROOT, stdout=-1, stderr=-1)
    port, token = opened(server, r":(\d+)/#token=(\S+) ").groups()
    file = control.parent / "served" / "token"
    assert (file.read_text().strip(), file.stat().st_mode & 0o777) == (token, 0o600)
    address = f"http://127.0.0.1:{port}/api/jobs"
    with pytest.raises(urllib.error.HTTPError, match="401"):
        urllib.request.urlopen(address)
    request = urllib.request.Request(address, headers={"Authorization": f"Bearer {token}"})
    with urllib.request.urlopen(request) as answer:
        assert answer.read() == b"[]"
    server.send_signal(signal.SIGTERM)
    said, complaint = server.communicate()
    assert (server.returncode, said, complaint) == (0, "stopped; every result is kept\n", "")


def test_help_names_every_flag():
    said = ended([sys.executable, "-m", "jaxfake.serve", "--help"]).stdout
    for flag in ("model", "host", "port", "names", "folder", "max_megabytes", "max_memory"):
        assert f"--{flag}" in said
