"""A calibration, and a tiny detector that has one."""

import dataclasses
import tarfile
from pathlib import Path

import numpy as np
import pytest

from jaxfake.evaluation.evidence.calibration import calibration
from jaxfake.evaluation.evidence.calibration.calibration import Calibration, detector_name
from jaxfake.evaluation.evidence.calibration.fit import Source, fit
from jaxfake.evaluation.evidence.calibration.input_range import fit_ranges
from jaxfake.experiment.load_run import load_run
from tests.project import ROOT

PEOPLE = 60


def fitted(name: str = "", facts: dict[str, np.ndarray] | None = None) -> Calibration:
    """A calibration on 60 people of each class, whose scores overlap a little."""
    rng = np.random.default_rng(0)
    labels = np.repeat([0, 1], PEOPLE)
    scores = 1 / (1 + np.exp(-(rng.normal(size=2 * PEOPLE) + 2.6 * labels - 1.3)))
    source = Source("val", "0" * 64, name)
    found = fit("platt", labels, scores, np.arange(2 * PEOPLE), source)
    return dataclasses.replace(found, ranges=fit_ranges(facts or {}))


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
