"""Scores any faces with a trained run: results, tables and a report.

    python -m jaxfake.evaluate --workdir=runs/mover --data=data/celebdf,data/dfdc [--step=N]

A dataset is 'toyfaces', a folder made by python -m jaxfake.prepare, or a folder of photographs and videos,
which is prepared first (below the run's folder; real/ and fake/ in it give the labels). Results go
to `eval/<dataset>/<split>/` in the run's folder. It works on any number of devices.

--workdir may also name what was saved of a run: a folder with `checkpoints/`, the folder of a stage or of
a single checkpoint, whatever it is called. Nothing in it is changed. Results of a bare stage or
checkpoint go to `salvaged/NAME-CONFIG/` in the current folder, or to --out.
"""

from jaxfake.runtime import standard_streams
from jaxfake.runtime.preemption import preemption

if __name__ == "__main__":
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


def main() -> None:
    """Flags in, one call for each dataset, messages out."""
    if not _WORKDIR.value:
        raise InputError("--workdir is missing: give it the folder of a run, such as runs/mover")
    from jaxfake.experiment import evaluate_dataset, load_run
    from jaxfake.reporting.checkpoint_facts import checkpoint_text
    from jaxfake.runtime.devices import check_devices
    from jaxfake.runtime.progress import say

    check_devices()
    run = load_run.load_run(Path(_WORKDIR.value), _STEP.value)
    say(checkpoint_text(evaluate_dataset.description(run)))
    request = evaluate_dataset.EvaluationRequest(
        _SPLIT.value,
        evaluate_dataset.results_root(run, Path(_OUT.value) if _OUT.value else None),
        _STEP.value,
        cast("Aggregation | None", _AGGREGATION.value),
    )
    for source in _DATA.value or [evaluate_dataset.own_data(run)]:
        done = evaluate_dataset.evaluate_dataset(run, source, request)
        say("\n\n".join(done.in_words))
        say(f"report: {done.report}")


if __name__ == "__main__":
    cli.run(main)
