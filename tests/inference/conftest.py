"""A tiny detector, with readers that need no face models."""

import dataclasses
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from jaxfake.inference import detector as detectors
from jaxfake.inference import job, reading
from jaxfake.inference.detector import Detector
from jaxfake.inference.model.opened_model import OpenedModel, open_model
from jaxfake.runtime.worker_pool import Limits, Outcome
from tests.data.preparation.stand_in import StandInCropper


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
    from jaxfake.experiment.results.stage_results import NOT_CALIBRATED

    facts = dataclasses.replace(detector.model.facts, calibration_sha256=None)
    bare = dataclasses.replace(detector.model, calibration=NOT_CALIBRATED, facts=facts)
    return dataclasses.replace(detector, model=bare)
