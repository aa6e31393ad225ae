"""Makes a dataset of aligned face crops from a folder of photographs and videos.

    python -m jaxfake.prepare --dataset=folder --source=DIR --out=DIR [--identity=...] [--splits=...]

The same command again goes on wherever it was stopped; once it is done, it says so and does nothing.
"""

from jaxfake.runtime import standard_streams
from jaxfake.runtime.preemption import preemption

if __name__ == "__main__":
    standard_streams.outlive()
    preemption.listen()  # the imports take a second, in which a stop may be requested too

import importlib.util
import os
from pathlib import Path
from typing import TYPE_CHECKING, cast

from absl import flags

from jaxfake.data.layouts.registry import DATASETS, SourceOptions
from jaxfake.runtime import cli
from jaxfake.runtime.errors import InputError
from jaxfake.runtime.path_flags import define_path

if TYPE_CHECKING:
    from jaxfake.data.preparation.cropping import Storage
    from jaxfake.data.preparation.prepare import Engine, Preparation

_BEAM_COMMAND = "pip install -e '.[beam]' -c constraints-beam.txt"

_DATASET = flags.DEFINE_string("dataset", None, f"What to prepare: {', '.join(DATASETS)}.")
_SOURCE = define_path(
    "source",
    None,
    "Folder of photographs and videos; with real/ and fake/ in it, they give the label.",
)
_OUT = define_path("out", None, "Folder for the dataset; made if it does not exist.")
_SIZE = flags.DEFINE_integer("size", 224, "Side of the crops, in pixels.", 32, 1024)
_FRAMES = flags.DEFINE_integer("frames", 32, "Most frames of a video, evenly spaced.", 1, 100_000)
_REAL_FRAMES = flags.DEFINE_integer(
    "real_frames",
    0,
    "Most frames of a real video of the training split; 0 for as many as of other videos.",
    0,
)
_STORAGE = flags.DEFINE_enum(
    "storage", "png", ["png", "raw"], "Both are lossless; raw reads faster and takes more space."
)
_IDENTITY = flags.DEFINE_string(
    "identity", "", "Who is in a file, for the splits: 'parent' for the name of its folder, or a "
    r"regular expression with one group, such as '(\d+)_'; by default the file's name."
)  # fmt: skip
_LABEL = flags.DEFINE_enum(
    "label", None, ["real", "fake", "unknown"], "Label of a folder without real/ and fake/; real."
)
_SPLITS = flags.DEFINE_string(
    "splits", "0.8,0.1,0.1", "Shares of the identities for train, val and test."
)
_PROTOCOL = define_path(
    "protocol", None, "Folder of a dataset's official splits; by default where it would have them."
)
_DROP_YOUTUBE = flags.DEFINE_bool(
    "drop_youtube", False, "Celeb-DF: leave the videos of YouTube-real out of the test, as some do."
)
_WORKERS = flags.DEFINE_integer(
    "workers", None, "Processes on this machine; by default one per core.", 1
)
_DERIVE = flags.DEFINE_float(
    "derive_masks",
    None,
    "Where a dataset gives the original of a fake but no mask: derive one where the two frames differ in "
    "grey by more than this share of the full range, such as 0.1. Off by default.",
    0.0,
    1.0,
)
_STRICT = flags.DEFINE_float(
    "strict",
    None,
    "Fail if a smaller share of the videos of any split and method has a face.",
    0,
    1,
)
_GAP = flags.DEFINE_integer(
    "gap", 30, "Most frames between two detections of a face over which it is interpolated.", 0
)
_BEAM_RUNNER = flags.DEFINE_string(
    "beam_runner",
    None,
    "Make the crops in an Apache Beam pipeline with this runner: DirectRunner here, FlinkRunner, "
    "SparkRunner or DataflowRunner elsewhere. See docs/scale_out.md.",
)
_BEAM_OPTION = flags.DEFINE_multi_string(
    "beam_option", [], "An option of that pipeline, KEY=VALUE or KEY; may be repeated."
)
_FACE_MODELS = define_path("face_models", None, "Folder of the face models, if offline.")


def main() -> int:
    """Flags in, one call, messages out."""
    wanted = _wanted()
    from jaxfake.data.preparation import coverage, coverage_text, prepare

    result = prepare.prepare(wanted)
    counted = result.coverage
    print("\n".join([*coverage_text.remarks(counted), "", *coverage_text.table(counted), ""]))
    if result.dataset is None:
        raise InputError(
            f"none of the files in {wanted.source} gives a face: no dataset is written"
        )
    if counted.settings["label"] == "real" and wanted.source_options.label is None:
        print(f"no real/ or fake/ in {wanted.source}: everything is taken as real (see --label)")
    short = "" if _STRICT.value is None else coverage.too_few(counted, _STRICT.value)
    if short:
        raise InputError(f"--strict={_STRICT.value:g}: {short}; the dataset is in {result.dataset}")
    state = "made" if result.newly_made else "complete already, nothing to do"
    print(f"dataset: {result.dataset} ({state})")
    return 0


def _wanted() -> "Preparation":
    if _DATASET.value not in DATASETS:
        raise InputError(f"--dataset={_DATASET.value}: there is {', '.join(DATASETS)}")
    from jaxfake.data.preparation.cropping import CropOptions
    from jaxfake.data.preparation.prepare import Preparation
    from jaxfake.data.preparation.splits import parse_shares

    return Preparation(
        source=_folder(_SOURCE),
        out=_folder(_OUT),
        crops=CropOptions(
            size=_SIZE.value,
            frames=_FRAMES.value,
            storage=cast("Storage", _STORAGE.value),
            derive=_DERIVE.value,
            gap=_GAP.value,
            real_frames=_REAL_FRAMES.value,
        ),
        dataset=_DATASET.value,
        source_options=SourceOptions(
            identity=_IDENTITY.value,
            label=_LABEL.value,
            protocol=Path(_PROTOCOL.value) if _PROTOCOL.value else None,
            drop_youtube=_DROP_YOUTUBE.value,
        ),
        shares=parse_shares(_SPLITS.value),
        workers=_WORKERS.value or len(os.sched_getaffinity(0)),
        face_models=_FACE_MODELS.value,
        engine=_engine(),
    )


def _engine() -> "Engine":
    from jaxfake.data.preparation import beam_launch
    from jaxfake.runtime import worker_pool

    if not _BEAM_RUNNER.value:
        if _BEAM_OPTION.value:
            raise InputError("--beam_option is for a pipeline: name its --beam_runner")
        return worker_pool.run
    if importlib.util.find_spec("apache_beam") is None:
        raise InputError(
            f"--beam_runner needs Apache Beam, which is not installed: {_BEAM_COMMAND}, in an "
            "environment of its own"
        )
    return beam_launch.engine(_BEAM_RUNNER.value, _BEAM_OPTION.value)


def _folder(flag: flags.FlagHolder) -> Path:
    if not flag.value:
        raise InputError(f"--{flag.name} is missing: give it a folder")
    return Path(flag.value)


if __name__ == "__main__":
    cli.run(main)
