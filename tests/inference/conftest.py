"""A tiny detector with a calibration, and readers that need no face models."""

import dataclasses
import tarfile
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from jaxfake.evaluation.evidence.calibration import calibration
from jaxfake.evaluation.evidence.calibration.calibration import Calibration, detector_name
from jaxfake.evaluation.evidence.calibration.fit import Source, fit
from jaxfake.experiment.load_run import load_run
from jaxfake.inference import detector as detectors
from jaxfake.inference import job, reading
from jaxfake.inference.detector import Detector
from jaxfake.inference.opened_model import OpenedModel, open_model
from jaxfake.runtime.worker_pool import Limits, Outcome
from tests.data.preparation.stand_in import StandInCropper
from tests.project import ROOT

PEOPLE = 60


def fitted(name: str = "", facts: dict[str, np.ndarray] | None = None) -> Calibration:
    """A calibration on 60 people of each class, whose scores overlap a little."""
    rng = np.random.default_rng(0)
    labels = np.repeat([0, 1], PEOPLE)
    scores = 1 / (1 + np.exp(-(rng.normal(size=2 * PEOPLE) + 2.6 * labels - 1.3)))
    source = Source("val", "0" * 64, name)
    return fit("platt", labels, scores, np.arange(2 * PEOPLE), source, facts)


@pytest.fixture(scope="session")
def calibrated_run(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder of a finished run of 32 pixels, calibrated for faces of more than 10 pixels."""
    folder = tmp_path_factory.mktemp("run")
    with tarfile.open(ROOT / "tests" / "golden" / "earlier_run.tar.xz") as archive:
        archive.extractall(folder, filter="data")
    run = load_run(folder / "finished", None)
    aggregation = run.config.evaluation.aggregation
    name = detector_name(run.metadata.identity.config, run.step, aggregation)
    facts = {"face_size": np.linspace(10.0, 400.0, 2 * PEOPLE)}
    calibration.write(folder / "finished" / "calibration.json", fitted(name, facts))
    return folder / "finished"


@pytest.fixture(scope="module")
def model(calibrated_run: Path, one_device: None) -> OpenedModel:
    return open_model(str(calibrated_run))


def here(
    tasks: list[Any], start: Callable[[], Callable[[Any], None]], workers: int, limits: Limits
) -> Iterator[Outcome]:
    """Does the tasks in this process, one after the other."""
    del workers, limits
    function = start()
    for number, task in enumerate(tasks):
        function(task)
        yield Outcome(number, "")


@pytest.fixture
def detector(model: OpenedModel, monkeypatch: pytest.MonkeyPatch) -> Detector:
    """A detector that finds a face in every picture that is not black, and reads files in this process."""
    for module in (detectors, job):
        monkeypatch.setattr(module.model_files, "obtain", lambda folder: None)
    for module in (detectors, reading):
        monkeypatch.setattr(module, "Cropper", StandInCropper)
    monkeypatch.setattr(reading.worker_pool, "run", here)
    return Detector(model, frames=3)


@pytest.fixture
def uncalibrated(detector: Detector) -> Detector:
    """The same detector without its calibration."""
    from jaxfake.experiment.stage_results import NOT_CALIBRATED

    facts = dataclasses.replace(detector.model.facts, calibration_sha256=None)
    bare = dataclasses.replace(detector.model, calibration=NOT_CALIBRATED, facts=facts)
    return dataclasses.replace(detector, model=bare)
