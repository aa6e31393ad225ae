"""The verb at the terminal: what it says, how it exits, and to whom it opens."""

import re
import signal
import socket
import subprocess
import sys
import urllib.error
import urllib.request

import pytest

from tests.processes import PATIENCE
from tests.project import ROOT

COMMAND = [sys.executable, "-m", "jaxfake.serve"]


def test_what_is_wrong_is_one_line_and_exit_2(tmp_path):
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        for arguments, says in [
            ([f"--port={port}"], f"--port={port} cannot be listened at"),
            (["--host=no such host"], "--host=no such host"),
            (["--prot=1"], "prot"),
            (["--max_megabytes=0"], "max_megabytes"),
            ([f"--model={tmp_path / 'nowhere'}/"], "nowhere"),
        ]:
            command = [*COMMAND, f"--folder={tmp_path / 'served'}", *arguments]
            done = subprocess.run(
                command, cwd=ROOT, capture_output=True, text=True, timeout=PATIENCE
            )
            assert done.returncode == 2, arguments
            assert says in done.stderr
            assert len(done.stderr.strip().splitlines()) == 1, done.stderr


def test_it_opens_to_this_machine_and_elsewhere_to_those_with_the_token(tmp_path, processes):
    folder = tmp_path / "served"
    command = [*COMMAND, "--port=0", f"--folder={folder}"]
    here = processes.start(command, cwd=ROOT, stdout=-1, stderr=-1)
    address = re.search(r"open (http://127\.0\.0\.1:\d+/) ", here.stdout.readline())[1]
    with urllib.request.urlopen(f"{address}api/jobs") as answer:
        assert answer.read() == b"[]"
    second = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=PATIENCE)
    assert second.returncode == 2
    assert "a server is at work in" in second.stderr
    here.send_signal(signal.SIGINT)
    said, complaints = here.communicate()
    assert (here.returncode, said, complaints) == (0, "stopped; every result is kept\n", "")

    open_to_all = processes.start([*command, "--host=0.0.0.0"], cwd=ROOT, stdout=-1)
    port, token = re.search(r":(\d+)/#token=(\S+) ", open_to_all.stdout.readline()).groups()
    file = folder / "token"
    assert (file.read_text().strip(), file.stat().st_mode & 0o777) == (token, 0o600)
    address = f"http://127.0.0.1:{port}/api/jobs"
    with pytest.raises(urllib.error.HTTPError, match="401"):
        urllib.request.urlopen(address)
    request = urllib.request.Request(address, headers={"Authorization": f"Bearer {token}"})
    with urllib.request.urlopen(request) as answer:
        assert answer.read() == b"[]"


def test_help_names_every_flag():
    said = subprocess.run([*COMMAND, "--help"], cwd=ROOT, capture_output=True, text=True).stdout
    for flag in ("model", "host", "port", "names", "folder", "max_megabytes", "max_memory"):
        assert f"--{flag}" in said or f"--[no]{flag}" in said
