"""How the scores of a run become likelihood ratios: its calibration, fitted, kept and read again."""

from collections.abc import Sequence

import numpy as np

from jaxfake.config import Aggregation
from jaxfake.data.dataset import FaceDataset
from jaxfake.data.examples import Faces
from jaxfake.evaluation.evidence.calibration import calibration
from jaxfake.evaluation.evidence.calibration.calibration import Calibration
from jaxfake.evaluation.evidence.calibration.of_detector import calibrate
from jaxfake.evaluation.evidence.robustness.perturbation_level import PerturbationLevel
from jaxfake.evaluation.metrics.undefined import Undefined
from jaxfake.evaluation.predict import FrameScores, score_frames
from jaxfake.experiment import build_method, open_data
from jaxfake.experiment.load_run import LoadedRun
from jaxfake.experiment.results.stage_results import NOT_CALIBRATED
from jaxfake.experiment.run_folder import DETECT
from jaxfake.runtime.errors import InputError


def calibrate_run(
    run: LoadedRun, val: FaceDataset, under: Sequence[PerturbationLevel] = ()
) -> Calibration | Undefined:
    """The calibration of a detector on its validation split; undefined with the reason if it has none.

    Args:
        run: the detector.
        val: its validation split.
        under: perturbations under which it is calibrated too.
    """
    scoring, aggregation = build_method.scoring(run.config), run.config.evaluation.aggregation

    def score(faces: Faces, rows: np.ndarray) -> FrameScores:
        return score_frames(run.method, run.params, faces, rows, scoring)

    rows = open_data.for_calibration(val, run.config)
    return calibrate(score, val, rows, aggregation, _detector_name(run, aggregation), under)


def calibrate_again(
    run: LoadedRun, sources: Sequence[str], under: Sequence[PerturbationLevel]
) -> Calibration:
    """Calibrates a finished run anew, on the validation split that it was selected by.

    Args:
        run: from its folder.
        sources: datasets that a person named, of which one is that of the run.
        under: see `calibrate_run`.

    Raises:
        InputError: it is no detector or not in a run's folder, its dataset is not named, or nothing can be
            calibrated; what the run has of a calibration is then left as it is.
    """
    folder = None if run.located is None else run.located.run
    if run.stage != DETECT or folder is None:
        raise InputError("--workdir is not the folder of a run with a detector")
    splits = open_data.trained_on(run.config, run.metadata.identity.data, sources)
    if splits is None:
        raise InputError(
            f"the run was trained on none of {', '.join(sources)}: name that dataset with --data to "
            "calibrate the run on its validation split"
        )
    found = calibrate_run(run, splits.val, under)
    if isinstance(found, Undefined):
        raise InputError(f"nothing can be calibrated: {found.reason}")
    calibration.write(folder.calibration, found)
    return found


def calibration_of(run: LoadedRun, aggregation: Aggregation) -> Calibration | Undefined:
    """What the run keeps of its validation, if it is of this state; undefined with the reason if not.

    Raises:
        InputError: the file is damaged.
    """
    folder = None if run.located is None else run.located.run
    try:
        found = None if folder is None else calibration.read(folder.calibration)
    except FileNotFoundError:
        return NOT_CALIBRATED
    if found is None:
        return NOT_CALIBRATED
    if isinstance(found, Undefined):
        return found
    if found.fitted_on.detector != _detector_name(run, aggregation):
        return Undefined("the run's calibration is of another checkpoint or aggregation")
    return found


def _detector_name(run: LoadedRun, aggregation: Aggregation) -> str:
    return calibration.detector_name(run.metadata.identity.config, run.step, aggregation)
