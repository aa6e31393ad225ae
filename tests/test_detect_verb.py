"""The verb at the terminal: what it says, how it exits, and how it goes on after it was stopped."""

import json
import shutil
import signal
import subprocess
import sys

import cv2
import pytest

from tests.data.drawn import drawn_photo
from tests.held import held
from tests.processes import PATIENCE, until
from tests.project import ROOT

COMMAND = [sys.executable, "-m", "jaxfake.detect"]


def verb(*arguments):
    command = [*COMMAND, *map(str, arguments)]
    return subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=PATIENCE)


def test_what_is_missing_or_wrong_is_one_line_and_exit_2(tmp_path):
    (tmp_path / "a.png").write_bytes(b"")
    out, file = f"--out={tmp_path / 'out'}", str(tmp_path / "a.png")
    for arguments, says in [
        ([], "name the photographs, videos or folders"),
        ([file, out, "--model="], "--model is missing"),
        ([file, "--model=nothing"], "--out is missing"),
        ([file, out, "--model=/no/where"], "there is no folder /no/where"),
        ([file, out, "--model=nothing", "--sign_key=key"], "--record as well"),
        ([file, out, "--frames=0"], "--frames"),
        ([f"--verify={tmp_path}"], "holds no record.json"),
    ]:
        done = verb(*arguments)
        assert done.returncode == 2, arguments
        assert says in done.stderr
        assert len(done.stderr.strip().splitlines()) == 1, done.stderr
    assert not (tmp_path / "out").exists()


@pytest.fixture
def asked(tmp_path):
    """Photographs of two toy people, and a file that is none; the detector finds faces of 32 pixels."""
    folder = tmp_path / "-asked"
    folder.mkdir()
    for person in (1, 2):
        picture = drawn_photo(person)[..., ::-1]
        (folder / f"{person}.png").write_bytes(cv2.imencode(".png", picture)[1].tobytes())
    (folder / "broken.jpg").write_bytes(b"nonsense")
    return folder


def test_a_stopped_detection_says_75_and_the_same_command_goes_on(
    asked,
    calibrated_run,
    face_models,
    tmp_path,
    processes,
    monkeypatch,
):
    monkeypatch.setenv("PYTHONPATH", str(ROOT))
    out, progress, mark = tmp_path / "out", tmp_path / "progress.json", tmp_path / "mark"
    flags = [f"--model={calibrated_run}", f"--out={out}", f"--progress_file={progress}", "--record"]
    command = [*COMMAND, *flags, "--workers=1", "--", str(asked)]
    job = processes.start(
        held("jaxfake.inference.jobs.kept:KeptResults.keep", 2, mark, command),
        cwd=tmp_path,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
    )
    until(mark.exists, job)
    assert json.loads(progress.read_text())["files_done"] == 1
    job.send_signal(signal.SIGTERM)
    said = job.communicate(timeout=PATIENCE)[1]
    assert job.returncode == 75, said
    assert "1 of 3 files are kept, run the same again" in said
    done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, timeout=PATIENCE)
    assert done.returncode == 0, done.stderr
    found = json.loads((out / "results.json").read_text())
    assert found["counts"] == {"files": 3, "scored": 2, "no_face": 0, "refused": 1}
    assert not (out / ".work").exists()
    assert verb(f"--verify={out}").returncode == 0
    shutil.rmtree(out / "pictures")
    changed = verb(f"--verify={out}")
    assert changed.returncode == 2
    assert "is gone or damaged" in changed.stderr
