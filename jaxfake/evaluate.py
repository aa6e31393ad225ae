"""Scores any faces with a trained run: results, tables and a report.

    python -m jaxfake.evaluate --workdir=runs/mover --data=data/celebdf,data/dfdc [--step=N]

A dataset is 'toyfaces', a folder made by python -m jaxfake.prepare, or a folder of photographs and videos,
which is prepared first (below the run's folder; real/ and fake/ in it give the labels). Results go
to `eval/<dataset>/<split>/` in the run's folder. It works on any number of devices.

--workdir may also name what was saved of a run: a folder with `checkpoints/`, the folder of a stage or of
a single checkpoint, whatever it is called. Nothing in it is changed. Results of a bare stage or
checkpoint go to `salvaged/NAME-CONFIG/` in the current folder, or to --out.

--calibrate_under=resize:3,h264:4,social:4 calibrates the run anew first, on the validation split of the
dataset that it was trained on: each face of it is scored as it is stored and once more after each of these
perturbations, at a level of 1 to 5. Ratios are then of files of all these conditions alike, thresholds hold
in each of them, and the ranges of sizes and sharpness are as wide. The run keeps that calibration.

    python -m jaxfake.evaluate --scores=a/scores.csv,b/scores.csv --out=DIR

Measures scores that are stored in files, on one or more datasets, without a model. Of files of another tool
say which way their scores point (--polarity), what their columns are called (--columns) and, where labels
are numbers, which one is a fake (--fake_label).
"""

from jaxfake.runtime import standard_streams
from jaxfake.runtime.preemption import preemption
from jaxfake.runtime.processes import environment

if __name__ == "__main__":
    environment.use_huge_pages()
    standard_streams.outlive()
    preemption.listen()  # the imports take a second, in which a stop may be requested too

from pathlib import Path
from typing import TYPE_CHECKING, cast

from absl import flags

from jaxfake.runtime import cli
from jaxfake.runtime.errors import InputError
from jaxfake.runtime.path_flags import define_path, define_paths

if TYPE_CHECKING:
    from jaxfake.config import Aggregation
    from jaxfake.evaluation.evidence.calibration.calibration import Kind
    from jaxfake.evaluation.stored_scores.columns import Polarity

_WORKDIR = define_path("workdir", None, "Folder of the run, or of checkpoints of it.")
_OUT = define_path("out", None, "Folder for results; by default see above.")
_DATA = define_paths(
    "data",
    None,
    "Datasets, separated by commas; by default the toy faces, if the run was trained on them.",
)
_SPLIT = flags.DEFINE_enum("split", "test", ["train", "val", "test"], "Which faces of them.")
_STEP = flags.DEFINE_integer("step", None, "Checkpoint; by default the selected or newest one.", 1)
_AGGREGATION = flags.DEFINE_enum(
    "aggregation",
    None,
    ["mean", "median", "max", "mean_logit"],
    "How the scores of a video's faces become one; by default as the run was configured.",
)
_PROTOCOL = flags.DEFINE_string(
    "protocol", None, "Name of a protocol to measure by, or the path of a .toml file."
)
_PERTURB = flags.DEFINE_list(
    "perturb", [], "Perturbations to measure as well, such as jpeg,h264,social; all for every one."
)
_CALIBRATE_UNDER = flags.DEFINE_list(
    "calibrate_under", [], "Perturbations at a level, such as h264:4, to calibrate the run under."
)
_SCORES = define_paths("scores", None, "Files of scores to measure, instead of a run.")
_POLARITY = flags.DEFINE_enum(
    "polarity",
    None,
    ["fake_high", "fake_low"],
    "Which scores the fakes have in files of another tool.",
)
_COLUMNS = flags.DEFINE_list(
    "columns",
    [],
    "Names in files of another tool, such as video_id=id,score=prob,method=generator.",
)
_FAKE_LABEL = flags.DEFINE_integer(
    "fake_label", None, "The number that files of another tool call a fake by.", 0, 1
)
_CALIBRATE_ON = define_path(
    "calibrate_on", None, "File of scores of other videos, of validation, to calibrate --scores on."
)
_CALIBRATION = flags.DEFINE_enum(
    "calibration", "platt", ["platt", "temperature", "isotonic"], "How, with --calibrate_on."
)
_RESAMPLES = flags.DEFINE_integer("resamples", 1000, "Resamples of people, with --scores.", 1)


def main() -> None:
    """Flags in, one call for each dataset, messages out."""
    if _SCORES.value:
        _evaluate_scores()
    elif _WORKDIR.value:
        _evaluate_run()
    else:
        raise InputError(
            "--workdir is missing: give it the folder of a run, such as runs/mover, or --scores the files "
            "of scores"
        )


def _evaluate_scores() -> None:
    from jaxfake.evaluation.evidence.protocols.protocol import load_protocol
    from jaxfake.evaluation.metrics.intervals import Bootstrap
    from jaxfake.evaluation.stored_scores.columns import ScoreColumns, parse_names
    from jaxfake.experiment.from_scores.evaluate_scores import ScoresRequest, evaluate_scores
    from jaxfake.runtime.progress import say

    for flag in (_WORKDIR, _DATA, _STEP, _AGGREGATION, _PERTURB, _CALIBRATE_UNDER):
        if flag.value not in (None, []):
            raise InputError(f"--{flag.name} is for a run: leave it out with --scores")
    out = Path(_OUT.value or "scored")
    polarity = cast("Polarity | None", _POLARITY.value)
    columns = ScoreColumns(polarity, parse_names(_COLUMNS.value), _FAKE_LABEL.value)
    protocol = load_protocol(_PROTOCOL.value) if _PROTOCOL.value else None
    request = ScoresRequest(
        tuple(map(Path, _SCORES.value)),
        out,
        columns,
        protocol,
        Bootstrap(_RESAMPLES.value, 0),
        Path(_CALIBRATE_ON.value) if _CALIBRATE_ON.value else None,
        cast("Kind", _CALIBRATION.value),
    )
    say("\n\n".join(evaluate_scores(request)))
    say(f"report: {out / 'report.html'}")


def _evaluate_run() -> None:
    for flag in (_POLARITY, _COLUMNS, _FAKE_LABEL, _CALIBRATE_ON):
        if flag.value not in (None, []):
            raise InputError(f"--{flag.name} is for files of scores: give them with --scores")
    from jaxfake.evaluation.evidence.protocols.protocol import load_protocol
    from jaxfake.evaluation.evidence.robustness.perturbation_level import parse_levels
    from jaxfake.evaluation.evidence.robustness.perturbations import parse_perturbations
    from jaxfake.runtime.devices import check_devices

    protocol = load_protocol(_PROTOCOL.value) if _PROTOCOL.value else None
    perturb = parse_perturbations(_PERTURB.value)
    under = parse_levels("calibrate_under", _CALIBRATE_UNDER.value)
    if under and _STEP.value is not None:
        raise InputError(
            "a run keeps the calibration of its selected state alone: leave out --step with "
            "--calibrate_under"
        )
    check_devices()
    # These take seconds to import.
    from jaxfake.experiment import evaluate_dataset, load_run, run_calibration
    from jaxfake.reporting.checkpoint_facts import checkpoint_text
    from jaxfake.reporting.scores.model_card import calibrated_sentence
    from jaxfake.runtime.progress import say

    run = load_run.load_run(Path(_WORKDIR.value), _STEP.value)
    say(checkpoint_text(evaluate_dataset.description(run)))
    request = evaluate_dataset.EvaluationRequest(
        _SPLIT.value,
        evaluate_dataset.results_root(run, Path(_OUT.value) if _OUT.value else None),
        _STEP.value,
        cast("Aggregation | None", _AGGREGATION.value),
        protocol,
        perturb,
    )
    sources = _DATA.value or [evaluate_dataset.own_data(run)]
    if under:
        say(calibrated_sentence(run_calibration.calibrate_again(run, sources, under)))
    for source in sources:
        done = evaluate_dataset.evaluate_dataset(run, source, request)
        say("\n\n".join(done.in_words))
        say(f"report: {done.report}")


if __name__ == "__main__":
    cli.run(main)
