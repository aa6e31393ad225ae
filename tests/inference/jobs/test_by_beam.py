"""Files scored by Apache Beam: the same bytes as on one machine, whatever happens to a worker.

Beam has an environment of its own, so some of the tests wait for `make test-beam`.
"""

import dataclasses
import subprocess
import sys
from pathlib import Path

import cv2
import numpy as np
import pytest

from jaxfake.beam import tasks
from jaxfake.beam.runner import Runner
from jaxfake.inference.job import DetectionJob, run_job_by, score_here
from jaxfake.inference.jobs import archive, by_beam
from jaxfake.inference.jobs.kept import SUFFIX, WORK
from jaxfake.runtime.worker_pool import Outcome
from tests.beam.cluster import Cluster, flags_of, needs_beam, needs_dask
from tests.data.drawn import drawn_photo
from tests.data.preparation import stand_in
from tests.data.written import contents
from tests.processes import PATIENCE, until
from tests.project import ROOT

RUNNER = Runner("DirectRunner")


class InThisProcess:
    """In place of a process that reads files."""

    def __init__(self, start, limits) -> None:
        self._function = start()

    def __call__(self, task) -> str:
        if task.source.path.name == "hangs.png":
            return "it took longer than 1 s"
        self._function(task)
        return ""

    def stop(self) -> None:
        """There is nothing to end."""


@pytest.fixture
def pipeline(monkeypatch) -> list[by_beam.ScoringWork]:
    """In place of Beam: does each task twice, the last first, and tells of them in that order."""
    started: list[by_beam.ScoringWork] = []

    def run(asked, work, runner, processes):
        started.append(work)
        for number, task in reversed(list(enumerate(asked))):
            for _ in range(2):
                worker = work.start()
                assert worker(tasks.from_line(tasks.to_line(task))) == ""
                worker.stop()
            yield Outcome(number, "")

    monkeypatch.setattr(by_beam.launch, "run", run)
    monkeypatch.setattr(by_beam, "GuardedWorker", InThisProcess)
    monkeypatch.setattr(by_beam.model_files, "copy", lambda models, folder: None)
    by_beam._opened.cache_clear()
    return started


@pytest.fixture
def asked(tmp_path: Path) -> Path:
    """Photographs, a clip, the frames of another, and files that give no face."""
    folder = tmp_path / "asked"
    stand_in.picture(folder / "anna.png", 1)
    stand_in.picture(folder / "béa 李.png", 2)
    stand_in.clip(folder / "clip.mp4", 3)
    for number in range(3):
        stand_in.picture(folder / "frames" / f"frame_{number}.png", number)
    black = cv2.imencode(".png", np.zeros((48, 48, 3), np.uint8))[1].tobytes()
    (folder / "black.png").write_bytes(black)
    (folder / "broken.jpg").write_bytes(b"nonsense")
    return folder


def written(out: Path) -> dict[str, bytes]:
    return {name: data for name, data in contents(out).items() if not name.startswith(".")}


@pytest.mark.parametrize("whole", [False, True])
def test_workers_say_of_each_file_what_one_machine_says(
    detector, asked, calibrated_run, tmp_path, monkeypatch, pipeline, whole
):
    monkeypatch.chdir(tmp_path)  # whose relative paths mean nothing to a worker elsewhere
    for scorer, out in [
        (score_here, Path("here")),
        (by_beam.scorer(RUNNER, str(calibrated_run)), Path("there")),
    ]:
        job = DetectionJob((Path("asked"),), out, pictures=whole)
        if whole:
            run_job_by(scorer, job, detector)
        else:
            archive.run_archive(scorer, job, detector)
    there = written(tmp_path / "there")
    assert there == written(tmp_path / "here")
    assert any(name.endswith("_strip.png") for name in there) == whole
    assert len(pipeline) == 1


def test_a_file_that_a_worker_cannot_read_in_time_is_refused_by_name(
    detector, asked, calibrated_run, tmp_path, pipeline
):
    stand_in.picture(asked / "hangs.png", 5)
    job = DetectionJob((asked,), tmp_path / "out", pictures=False)
    archive.run_archive(by_beam.scorer(RUNNER, str(calibrated_run)), job, detector)
    found = list(archive.read_shards(job.out, archive.read_summary(job.out)))
    refused = {one.file.name: one.refusal for one in found if one.status == "refused"}
    assert refused["hangs.png"] == "it took longer than 1 s"
    assert len(refused) == 2


def test_a_worker_with_another_detector_or_other_versions_refuses_to_work(
    detector, asked, calibrated_run, tmp_path, pipeline
):
    scorer = by_beam.scorer(RUNNER, str(calibrated_run))
    job = DetectionJob((asked,), tmp_path / "out", pictures=False)
    archive.run_archive(scorer, job, detector)
    (work,) = pipeline
    other = dataclasses.replace(work.facts, weights_sha256="0" * 64)
    with pytest.raises(RuntimeError, match="has another detector: "):
        dataclasses.replace(work, facts=other).start()
    newer = dataclasses.replace(work.common, versions={**work.common.versions, "jax": "99"})
    with pytest.raises(RuntimeError, match=r"and not .*'jax': '99'"):
        dataclasses.replace(work, common=newer).start()


@pytest.fixture
def drawn(tmp_path: Path) -> Path:
    """Photographs of toy people, whose faces the face models find, and a file that is none."""
    folder = tmp_path / "drawn"
    folder.mkdir()
    for person in range(1, 6):
        picture = drawn_photo(person)[..., ::-1]
        (folder / f"{person}.png").write_bytes(cv2.imencode(".png", picture)[1].tobytes())
    (folder / "broken.jpg").write_bytes(b"nonsense")
    return folder


def command(drawn: Path, run: Path, out: Path, *more: str) -> list[str]:
    start = [sys.executable, "-m", "jaxfake.detect", str(drawn), f"--model={run}", f"--out={out}"]
    return [*start, *more]


@pytest.fixture
def local(drawn, calibrated_run, face_models, tmp_path) -> dict[str, bytes]:
    """The shards of this machine."""
    subprocess.run(
        command(drawn, calibrated_run, tmp_path / "local", "--sharded"), cwd=ROOT, check=True
    )
    return written(tmp_path / "local")


@needs_beam
@pytest.mark.slow
def test_direct_runner_writes_the_same_bytes(drawn, local, calibrated_run, tmp_path):
    there = command(drawn, calibrated_run, tmp_path / "there", *flags_of(RUNNER), "--workers=2")
    subprocess.run(there, cwd=ROOT, check=True)
    assert written(tmp_path / "there") == local


@needs_dask
@pytest.mark.slow
def test_a_cluster_that_loses_a_worker_writes_the_same_bytes(
    drawn, local, calibrated_run, tmp_path, processes
):
    cluster, out = Cluster(tmp_path, processes), tmp_path / "there"
    run = processes.start(command(drawn, calibrated_run, out, *flags_of(cluster.runner)), cwd=ROOT)
    until(lambda: list(out.glob(f"{WORK}/*{SUFFIX}")), run)
    cluster.kill_one_at_work()
    assert run.wait(PATIENCE) == 0
    assert written(out) == local
