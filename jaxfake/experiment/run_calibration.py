"""How the scores of a loaded run become likelihood ratios, if its calibration is of this very state."""

from jaxfake.config import Aggregation
from jaxfake.evaluation.evidence.calibration import calibration
from jaxfake.evaluation.evidence.calibration.calibration import Calibration
from jaxfake.evaluation.metrics.undefined import Undefined
from jaxfake.experiment.load_run import LoadedRun
from jaxfake.experiment.results.stage_results import NOT_CALIBRATED


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
    name = calibration.detector_name(run.metadata.identity.config, run.step, aggregation)
    if found.fitted_on.detector != name:
        return Undefined("the run's calibration is of another checkpoint or aggregation")
    return found
