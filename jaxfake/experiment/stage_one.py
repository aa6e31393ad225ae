"""What stage 1 has to show: how well real parts are recovered, and the error as a zero-shot detector."""

from pathlib import Path

import numpy as np

from jaxfake import schema
from jaxfake.data.dataset import FaceDataset
from jaxfake.data.pipeline import rows_of
from jaxfake.evaluation import recovery, recovery_baselines, zero_shot
from jaxfake.evaluation.metrics.intervals import Bootstrap
from jaxfake.evaluation.predict import Sweep, score_frames
from jaxfake.evaluation.result_files import Provenance
from jaxfake.experiment.stage_results import StageResults
from jaxfake.models.method import Params
from jaxfake.models.recover import Recover
from jaxfake.reporting.recovered_strips import draw_strips
from jaxfake.reporting.recovery_section import (
    recovery_highlights,
    recovery_section,
    recovery_text,
)
from jaxfake.reporting.strips import choose_rows
from jaxfake.reporting.zero_shot_section import (
    zero_shot_highlight,
    zero_shot_section,
    zero_shot_sentences,
)

_STRIPS_EACH = 6


def evaluate(
    folder: Path,
    method: Recover,
    params: Params,
    train: FaceDataset | None,
    test: FaceDataset,
    origin: Provenance,
    sweep: Sweep,
    bootstrap: Bootstrap,
) -> StageResults:
    """Measures the recovery on the reals of `test`, then every face; writes the results to the folder.

    Args:
        train: what was trained on; None leaves out the baselines that are made of it.
    """
    folder.mkdir(exist_ok=True)
    mean = (
        None if train is None else recovery_baselines.mean_face(train, rows_of(train, schema.REAL))
    )
    reals = rows_of(test, schema.REAL)
    table = recovery.measure(method, params, test, reals, mean, sweep, bootstrap)
    recovery.write(folder / "recovery.json", table, origin)
    frames = score_frames(method, params, test, np.arange(len(test)), sweep)
    result = zero_shot.measure(test, frames, bootstrap)
    zero_shot.write(folder, test, result, origin)
    strips = draw_strips(method, params, test, choose_rows(test, _STRIPS_EACH), sweep)
    words = zero_shot_sentences(result)
    return StageResults(
        (recovery_text(table), words),
        (words,),
        (zero_shot_highlight(result), *recovery_highlights(table)),
        (recovery_section(table, strips), zero_shot_section(result)),
    )
