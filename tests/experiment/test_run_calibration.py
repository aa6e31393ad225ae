"""A run is calibrated anew: on its own validation alone, and what it has stays until that has gone well."""

import dataclasses
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from jaxfake.evaluation.evidence.calibration import calibration
from jaxfake.evaluation.evidence.robustness.perturbation_level import parse_levels
from jaxfake.evaluation.metrics.undefined import Undefined
from jaxfake.experiment import open_data, run_calibration
from jaxfake.experiment.run_calibration import calibrate_again, calibration_of
from jaxfake.experiment.run_folder import DETECT, RECOVER, RunFolder
from jaxfake.runtime.errors import InputError
from tests.calibrated import fitted
from tests.tiny import tiny_config

EARLIER = fitted("config abc step 3 mean")


@pytest.fixture
def run(tiny_root: Path, tmp_path: Path) -> Any:
    """A detector whose folder has a calibration, as far as it matters here."""
    config = tiny_config(tiny_root)
    data = open_data.training_splits(config).train.digest
    identity = SimpleNamespace(config="abc", data=data)
    folder = RunFolder(tmp_path)
    calibration.write(folder.calibration, EARLIER)
    return SimpleNamespace(
        stage=DETECT,
        step=3,
        config=config,
        metadata=SimpleNamespace(identity=identity),
        located=SimpleNamespace(run=folder),
    )


def test_it_replaces_what_the_run_had(
    run: Any, tiny_root: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked = []
    anew = dataclasses.replace(EARLIER, slope=EARLIER.slope / 2)

    def calibrate_run(run: Any, val: Any, under: Any) -> calibration.Calibration:
        asked.append((val.split, [str(one) for one in under]))
        return anew

    monkeypatch.setattr(run_calibration, "calibrate_run", calibrate_run)
    assert calibration_of(run, "mean") == EARLIER
    assert (
        calibrate_again(run, [str(tiny_root)], parse_levels("under", ["jpeg:4", "jpeg:4"])) == anew
    )
    assert asked == [("val", ["jpeg:4"])]
    assert calibration_of(run, "mean") == anew
    assert isinstance(calibration_of(run, "max"), Undefined)


def test_what_cannot_be_done_leaves_what_the_run_had(
    run: Any, tiny_root: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    run.metadata.identity.data = "of other faces"
    with pytest.raises(InputError, match="the run was trained on none of"):
        calibrate_again(run, [str(tiny_root)], ())
    run.metadata.identity.data = open_data.training_splits(run.config).train.digest
    monkeypatch.setattr(run_calibration, "calibrate_run", lambda *_: Undefined("too few people"))
    with pytest.raises(InputError, match="nothing can be calibrated: too few people"):
        calibrate_again(run, [str(tiny_root)], ())
    assert calibration_of(run, "mean") == EARLIER
    run.stage = RECOVER
    with pytest.raises(InputError, match="not the folder of a run with a detector"):
        calibrate_again(run, [str(tiny_root)], ())


@pytest.mark.parametrize("text", ["jpeg", "jpeg:0", "jpeg:6", "jpg:3", "jpeg:x", "jpeg:3:4", ""])
def test_a_level_that_is_not_one_is_named(text: str) -> None:
    with pytest.raises(InputError, match=f"--under={text} is not a perturbation at a level"):
        parse_levels("under", [text])
