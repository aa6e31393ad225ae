"""The same preparation by Apache Beam: the same bytes, and the same words where something is wrong.

Beam has an environment of its own, so most tests wait for `make test-beam`.
"""

import os
import shutil
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from jaxfake.beam.runner import Runner
from jaxfake.data.preparation import beam_crops, work_folder
from jaxfake.data.preparation.cropping import CropOptions
from jaxfake.data.preparation.prepare import Preparation, prepare
from jaxfake.runtime.errors import InputError
from tests.beam.cluster import Cluster, flags_of, needs_beam, needs_dask
from tests.data.written import contents
from tests.processes import PATIENCE, until
from tests.project import ROOT

CROPS = CropOptions(size=64, frames=3, storage="png")
BEAM = "--beam_runner=DirectRunner"
DIRECT = beam_crops.engine(Runner("DirectRunner"))


@pytest.fixture
def photos(tmp_path, shared_data, face_models):
    """Five people, a clip, and files that must not hurt."""
    places = [f"photos/ffhq/{n:04}.jpg" for n in range(5)] + ["real_clips/cropped02.mp4"]
    for place in [*places, "bad/no_face.png", "bad/half.jpg", "bad/text_named.mp4"]:
        target = tmp_path / "photos" / ("fake/Swap" if "0003" in place else "real")
        target.mkdir(parents=True, exist_ok=True)
        shutil.copy(shared_data / place, target)
    return tmp_path / "photos"


@pytest.fixture
def local(photos, tmp_path):
    """What the processes of this machine make of them."""
    result = prepare(Preparation(photos, tmp_path / "local", CROPS))
    assert result.dataset is not None
    return contents(tmp_path / "local")


@pytest.fixture
def local_by_verb(photos, tmp_path):
    """The same by the command, which also measures what the files alone tell."""
    subprocess.run(command(photos, tmp_path / "local"), cwd=ROOT, check=True)
    return contents(tmp_path / "local")


@needs_beam
@pytest.mark.slow
@pytest.mark.parametrize("mode", ["multi_threading", "multi_processing"])
def test_it_makes_the_same_bytes(photos, local, tmp_path, monkeypatch, mode):
    monkeypatch.chdir(tmp_path)  # whose relative paths mean nothing to a worker elsewhere
    engine = beam_crops.engine(Runner("DirectRunner", (f"direct_running_mode={mode}",)))
    wanted = Preparation(Path("photos"), Path("beam"), CROPS, workers=2, engine=engine)
    result = prepare(wanted)
    assert contents(Path("beam")) == local
    said = {Path(entry["file"]).name: entry["status"] for entry in result.coverage.files}
    assert said == {
        "no_face.png": "no_face",
        "half.jpg": "unreadable: the picture is cut short",
        "text_named.mp4": "unreadable: it is not an MP4, MOV, Matroska, WebM or AVI file",
    }


@needs_beam
@pytest.mark.slow
def test_a_file_that_vanishes_is_named(photos, tmp_path):
    def vanishing(tasks, *rest):
        (photos / "real" / "0000.jpg").unlink()
        yield from DIRECT(tasks, *rest)

    wanted = Preparation(photos, tmp_path / "out", CROPS, workers=2, engine=vanishing)
    with pytest.raises(InputError, match=r"0000.jpg: No such file .* after the source was listed"):
        prepare(wanted)


@needs_beam
@pytest.mark.slow
def test_killed_or_stopped_it_goes_on_and_ends_with_the_same_bytes(
    photos, local_by_verb, tmp_path, processes
):
    out = tmp_path / "out"
    for how, code in [(signal.SIGKILL, -signal.SIGKILL), (signal.SIGTERM, 75)]:
        before = len(list(out.glob(f"{work_folder.NAME}/*.npz")))
        run = processes.start(command(photos, out, BEAM), cwd=ROOT, stderr=subprocess.PIPE)
        until(lambda: len(list(out.glob(f"{work_folder.NAME}/*.npz"))) > before, run)  # noqa: B023
        os.kill(run.pid, how)
        _, said = run.communicate(timeout=PATIENCE)
        assert run.returncode == code
        assert "Traceback" not in said
    assert "run the same again" in said
    subprocess.run(command(photos, out, BEAM), cwd=ROOT, check=True, stdout=subprocess.DEVNULL)
    assert contents(out) == local_by_verb


@needs_dask
@pytest.mark.slow
def test_a_cluster_that_loses_a_worker_makes_the_same_bytes(
    photos, local_by_verb, tmp_path, processes
):
    cluster = Cluster(tmp_path, processes)
    out = tmp_path / "out"
    run = processes.start(command(photos, out, *flags_of(cluster.runner)), cwd=ROOT)
    until(lambda: list(out.glob(f"{work_folder.NAME}/*.npz")), run)
    cluster.kill_one_at_work()
    assert run.wait(PATIENCE) == 0
    assert contents(out) == local_by_verb


def command(source: Path, out: Path, *more: str) -> list[str]:
    flags = {"dataset": "folder", "source": source, "out": out, "size": 64, "frames": 3}
    flags["most_unreadable"] = 1
    given = [f"--{name}={value}" for name, value in flags.items()]
    return [sys.executable, "-m", "jaxfake.prepare", *given, *more]


@needs_beam
@pytest.mark.slow
def test_a_wrong_runner_or_option_is_one_line_and_exit_2(photos, tmp_path):
    for arguments, says in [
        (["--beam_runner=NoRunner"], "Unexpected pipeline runner: NoRunner"),
        (["--beam_option=siez=3"], "there is no option siez"),
        (["--beam_option=direct_num_workers=x"], "invalid int value: 'x'"),
    ]:
        done = verb(command(photos, tmp_path / "out", BEAM, *arguments))
        assert done.returncode == 2
        assert says in done.stderr
        assert len(done.stderr.strip().splitlines()) == 1, done.stderr


def verb(arguments: list[str]) -> subprocess.CompletedProcess[str]:
    return subprocess.run(arguments, cwd=ROOT, capture_output=True, text=True, timeout=PATIENCE)


def test_without_beam_it_says_what_to_install(tmp_path):
    python, _, _, *flags = command(tmp_path, tmp_path / "out", BEAM)
    without = (
        "import runpy, sys; sys.modules['apache_beam'] = None;"
        "runpy.run_module('jaxfake.prepare', run_name='__main__')"
    )
    done = verb([python, "-c", without, *flags])
    assert done.returncode == 2
    assert "apache_beam, which is not installed" in done.stderr
    assert "pip install -e '.[beam]' -c constraints-beam.txt" in done.stderr
    assert len(done.stderr.strip().splitlines()) == 1
    done = verb([python, "-m", "jaxfake.prepare", *flags[:-1], "--beam_option=region=R"])
    assert done.returncode == 2
    assert "name its --beam_runner" in done.stderr
