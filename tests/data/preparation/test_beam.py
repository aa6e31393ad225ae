"""The same preparation by Apache Beam: the same bytes, and the same words where something is wrong.

Beam has an environment of its own, so most tests wait for `make test-beam`.
"""

import dataclasses
import importlib.util
import os
import shutil
import signal
import subprocess
import sys
import threading
from functools import partial
from pathlib import Path

import pytest

from jaxfake.data.layouts.listing import SourceFile
from jaxfake.data.preparation import beam_launch, beam_tasks, crop_files, work_folder
from jaxfake.data.preparation.cropping import CropOptions, CropTask
from jaxfake.data.preparation.prepare import Preparation, prepare
from jaxfake.runtime.errors import InputError
from jaxfake.runtime.worker_pool import Limits
from tests.data.written import contents
from tests.processes import PATIENCE, until
from tests.project import ROOT

CROPS = CropOptions(size=64, frames=3, storage="png")
DIRECT = beam_launch.engine("DirectRunner", [])

needs_beam = pytest.mark.skipif(
    importlib.util.find_spec("apache_beam") is None,
    reason="Apache Beam is not in this environment: make test-beam",
)


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


@needs_beam
@pytest.mark.slow
@pytest.mark.parametrize("mode", ["multi_threading", "multi_processing"])
def test_it_makes_the_same_bytes(photos, local, tmp_path, monkeypatch, mode):
    monkeypatch.chdir(tmp_path)  # whose relative paths mean nothing to a worker elsewhere
    engine = beam_launch.engine("DirectRunner", [f"direct_running_mode={mode}"])
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

    result = prepare(Preparation(photos, tmp_path / "out", CROPS, workers=2, engine=vanishing))
    said = {Path(entry["file"]).name: entry["status"] for entry in result.coverage.files}
    assert said["0000.jpg"] == "unreadable: No such file or directory"


@needs_beam
@pytest.mark.slow
def test_killed_or_stopped_it_goes_on_and_ends_with_the_same_bytes(
    photos, local, tmp_path, processes
):
    out = tmp_path / "out"
    for how, code in [(signal.SIGKILL, -signal.SIGKILL), (signal.SIGTERM, 75)]:
        before = len(list(out.glob(f"{work_folder.NAME}/*.npz")))
        run = processes.start(command(photos, out), cwd=ROOT, stderr=subprocess.PIPE)
        until(lambda: len(list(out.glob(f"{work_folder.NAME}/*.npz"))) > before, run)  # noqa: B023
        os.kill(run.pid, how)
        _, said = run.communicate(timeout=PATIENCE)
        assert run.returncode == code
        assert "Traceback" not in said
    assert "run the same again" in said
    subprocess.run(command(photos, out), cwd=ROOT, check=True, stdout=subprocess.DEVNULL)
    assert contents(out) == local


def command(source: Path, out: Path, *more: str) -> list[str]:
    flags = {"dataset": "folder", "source": source, "out": out, "size": 64, "frames": 3}
    given = [f"--{name}={value}" for name, value in flags.items()]
    return [sys.executable, "-m", "jaxfake.prepare", *given, "--beam_runner=DirectRunner", *more]


def test_a_task_comes_back_from_its_line():
    source = SourceFile(Path("a\nb\udcff.mp4"), "b", 1, "Swap", "id", "v", mask=Path("m.mp4"))
    comes_back(source)


def test_a_task_of_several_pictures_comes_back_from_its_line():
    frames, masks = (Path("v/1.png"), Path("v/2.png")), (Path("m/1.png"), Path("m/2.png"))
    clip = SourceFile(Path("v"), "v", 1, "Swap", "id", "v", mask=masks, frames=frames)
    comes_back(dataclasses.replace(clip, original=Path("o"), linked=("donor",)))


def comes_back(source):
    line = beam_tasks.to_line(CropTask(source, "/out/crops.npz"))
    assert line.isascii()
    assert len(line.splitlines()) == 1
    assert beam_tasks.from_line(line) == CropTask(source, "/out/crops.npz")


def make(folder: Path):
    """In place of a Cropper: does what the name of the file says."""

    def work(task: CropTask) -> None:
        name = task.source.path.name
        if name == "die":
            os.kill(os.getpid(), signal.SIGKILL)
        if name == "hang":
            threading.Event().wait()
        if name == "fail":
            raise KeyError("of this task")
        if name != "forget":
            crop_files.save(Path(task.crop_file), crop_files.failed(name))

    return work


def outcomes(names: list[str], folder: Path) -> dict[str, str]:
    tasks = [
        CropTask(
            SourceFile(folder / name, name, 0, "real", name, name), str(folder / f"{name}.npz")
        )
        for name in names
    ]
    ends = DIRECT(tasks, partial(make, folder), 2, Limits(seconds=60, memory=2 << 30))
    return {names[end.number]: end.failure for end in ends}


@needs_beam
@pytest.mark.slow
def test_a_death_and_a_hang_cost_their_own_task_only(tmp_path):
    ends = outcomes(["a", "die", "b", "hang", "c"], tmp_path)
    assert ends == {
        "a": "",
        "b": "",
        "c": "",
        "die": "the process that worked on it died twice",
        "hang": "it took longer than 60 s",
    }


@needs_beam
@pytest.mark.slow
def test_an_error_of_the_program_is_one_line_and_the_log_has_the_rest(tmp_path):
    with pytest.raises(RuntimeError, match=r"pipeline failed .*KeyError: 'of this task'") as error:
        outcomes(["fail"], tmp_path)
    assert "\n" not in str(error.value)
    assert "Traceback" in (tmp_path / beam_launch.LOG).read_text()


@needs_beam
@pytest.mark.slow
def test_workers_that_write_elsewhere_are_noticed(tmp_path):
    with pytest.raises(InputError, match="1 of 2 crop files are not in"):
        outcomes(["a", "forget"], tmp_path)


@needs_beam
@pytest.mark.slow
def test_a_wrong_runner_or_option_is_one_line_and_exit_2(photos, tmp_path):
    for arguments, says in [
        (["--beam_runner=NoRunner"], "Unexpected pipeline runner: NoRunner"),
        (["--beam_option=siez=3"], "there is no option siez"),
        (["--beam_option=direct_num_workers=x"], "invalid int value: 'x'"),
    ]:
        done = verb(command(photos, tmp_path / "out", *arguments))
        assert done.returncode == 2
        assert says in done.stderr
        assert len(done.stderr.strip().splitlines()) == 1, done.stderr


def verb(arguments: list[str]) -> subprocess.CompletedProcess[str]:
    return subprocess.run(arguments, cwd=ROOT, capture_output=True, text=True, timeout=PATIENCE)


def test_without_beam_it_says_what_to_install(tmp_path):
    python, _, _, *flags = command(tmp_path, tmp_path / "out")
    without = (
        "import runpy, sys; sys.modules['apache_beam'] = None;"
        "runpy.run_module('jaxfake.prepare', run_name='__main__')"
    )
    done = verb([python, "-c", without, *flags])
    assert done.returncode == 2
    assert "pip install -e '.[beam]' -c constraints-beam.txt" in done.stderr
    assert len(done.stderr.strip().splitlines()) == 1
    done = verb([python, "-m", "jaxfake.prepare", *flags[:-1], "--beam_option=region=R"])
    assert done.returncode == 2
    assert "name its --beam_runner" in done.stderr
