"""Makes a dataset of aligned face crops from a folder of photographs and videos.

    python -m jaxfake.prepare --dataset=folder --source=DIR --out=DIR [--identity=...] [--splits=...]
    python -m jaxfake.prepare --dataset=csv --manifest=FILE.csv --out=DIR
    python -m jaxfake.prepare --dataset=forged --source=PREPARED --out=DIR [--kinds=...] [--seed=N]

The same command again goes on wherever it was stopped. Once it is done, it checks every byte of the dataset
and of the source, tries again what could not be read, and does nothing else.
"""

from jaxfake.runtime import standard_streams
from jaxfake.runtime.preemption import preemption

if __name__ == "__main__":
    standard_streams.outlive()
    preemption.listen()  # the imports take a second, in which a stop may be requested too

import os
from pathlib import Path
from typing import TYPE_CHECKING, Any, cast

from absl import flags

from jaxfake.beam.runner import runner_of
from jaxfake.data.forgeries.forgery import KINDS
from jaxfake.data.layouts.registry import DATASETS, TABLE, SourceOptions
from jaxfake.runtime import cli
from jaxfake.runtime.errors import InputError
from jaxfake.runtime.path_flags import define_path
from jaxfake.runtime.processes import environment

if TYPE_CHECKING:
    from collections.abc import Sequence

    from jaxfake.data.forgeries.forgery import Kind
    from jaxfake.data.layouts.own_files.numbered import Numbered
    from jaxfake.data.preparation.coverage import Coverage
    from jaxfake.data.preparation.cropping import Storage, Subject
    from jaxfake.data.preparation.prepare import Engine, Preparation
    from jaxfake.data.source_table import Source

_FORGED = "forged"

_DATASET = flags.DEFINE_string(
    "dataset",
    None,
    f"What to prepare: {', '.join(DATASETS)}; or {_FORGED}, the real faces of a prepared dataset and a "
    "forgery of each.",
)
_SOURCE = define_path(
    "source",
    None,
    "Folder of photographs and videos; folders in it named real, fake, train, val and test, or alike, "
    "give labels and splits. With --dataset=csv, what the paths in the table are relative to; by default "
    "the table's own folder. With --dataset=forged, a prepared dataset.",
)
_MANIFEST = define_path(
    "manifest",
    None,
    "For --dataset=csv: a CSV file with the columns path and label, and if you like video, identity, "
    "split, manipulation, mask, original.",
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
    r"regular expression with one group, such as '(\d+)_'; by default what the names say."
)  # fmt: skip
_LABEL = flags.DEFINE_enum(
    "label",
    None,
    ["real", "fake", "unknown"],
    "Label of all files of a folder without real/ and fake/.",
)
_NUMBERED = flags.DEFINE_enum(
    "numbered", None, ["frames", "photos"], "What pictures are whose names differ in a number alone: "
    "frames of one clip for each folder or name, or photographs; by default what the names say."
)  # fmt: skip
_SPLITS = flags.DEFINE_string(
    "splits",
    "0.8,0.1,0.1",
    "Shares of the identities for train, val and test. Where folders or a table give the splits, this "
    "flag splits anew.",
)
_PROTOCOL = define_path(
    "protocol", None, "Folder of a dataset's official splits; by default where it would have them."
)
_DROP_YOUTUBE = flags.DEFINE_bool(
    "drop_youtube", False, "Celeb-DF: leave the videos of YouTube-real out of the test, as some do."
)
_SUBSET = flags.DEFINE_bool(
    "subset",
    False,
    "The source is meant to be a part of an official dataset: what is there is taken, and every result "
    "says how much of the dataset that is.",
)
_FOLLOW_LINKS = flags.DEFINE_bool(
    "follow_links", False, "Follow links to files and folders outside of the source."
)
_SUBJECT = flags.DEFINE_enum(
    "subject",
    "largest",
    ["largest", "mask"],
    "Who is cut out of a clip with several people: the one with the largest faces; or, in fakes with a "
    "forgery mask, the one under it, so that the label decides. Results say so.",
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
_MOST_UNREADABLE = flags.DEFINE_float(
    "most_unreadable",
    0.05,
    "Fail if a greater share of all files cannot be read. The dataset is written all the same, and the "
    "next command tries these files again.",
    0,
    1,
)
_GAP = flags.DEFINE_integer(
    "gap", 30, "Most frames between two detections of a face over which it is interpolated.", 0
)
_BEAM_RUNNER = flags.DEFINE_string(
    "beam_runner",
    None,
    "Make the crops in an Apache Beam pipeline with this runner: DirectRunner here, DaskRunner, "
    "FlinkRunner, SparkRunner or DataflowRunner elsewhere. See docs/scale_out.md.",
)
_BEAM_OPTION = flags.DEFINE_multi_string(
    "beam_option", [], "An option of that pipeline, KEY=VALUE or KEY; may be repeated."
)
_KINDS = flags.DEFINE_list(
    "kinds", list(KINDS), "For --dataset=forged: kinds of forgeries, each drawn equally often."
)
_SEED = flags.DEFINE_integer("seed", 0, "For --dataset=forged: of everything that is drawn.", 0)
_FACE_MODELS = define_path("face_models", None, "Folder of the face models, if offline.")


_OF_FORGED = (_DATASET, _SOURCE, _OUT, _STORAGE, _KINDS, _SEED)


def main() -> int:
    """Flags in, one call, messages out."""
    return _freeze() if _DATASET.value == _FORGED else _prepare()


def _freeze() -> int:
    known = [flag.name for flag in _OF_FORGED]
    for flag in flags.FLAGS.get_key_flags_for_module("__main__"):
        if flag.present and flag.name not in known:
            raise InputError(f"--{flag.name} does not apply to --dataset={_FORGED}")
    for kind in _KINDS.value:
        if kind not in KINDS:
            raise InputError(f"--kinds={kind}: there is {', '.join(KINDS)}")
    if not _KINDS.value or len(set(_KINDS.value)) < len(_KINDS.value):
        raise InputError("--kinds must name one or more kinds, each once")
    from jaxfake.data.forgeries.freeze import Freezing, freeze

    result = freeze(
        Freezing(
            source=_folder(_SOURCE),
            out=_folder(_OUT),
            kinds=cast("tuple[Kind, ...]", tuple(_KINDS.value)),
            seed=_SEED.value,
            storage=cast("Storage", _STORAGE.value),
        )
    )
    from jaxfake.data.preparation import coverage_text

    print(
        "\n".join([*coverage_text.remarks(result.coverage), *coverage_text.table(result.coverage)])
    )
    _say_where(result.dataset, result.newly_made)
    return 0


def _say_where(dataset: Path, newly_made: bool) -> None:
    state = "made" if newly_made else "complete already, nothing to do"
    print(f"dataset: {dataset} ({state})")


def _prepare() -> int:
    for flag in (_KINDS, _SEED):
        if flag.present:
            raise InputError(f"--{flag.name} is for --dataset={_FORGED}")
    wanted = _wanted()
    from jaxfake.data.preparation import coverage, prepare

    result = prepare.prepare(wanted)
    counted = result.coverage
    print("\n".join(_in_words(counted)))
    if result.dataset is None:
        raise InputError(
            f"none of the files in {wanted.source} gives a face: no dataset is written"
        )
    short = "" if _STRICT.value is None else coverage.too_few(counted, _STRICT.value)
    if short:
        raise InputError(f"--strict={_STRICT.value:g}: {short}; the dataset is in {result.dataset}")
    unreadable = coverage.too_many_unreadable(counted, _MOST_UNREADABLE.value)
    if unreadable:
        raise InputError(
            f"{unreadable} (--most_unreadable); the dataset is in {result.dataset}: mend these files and "
            "run the same command again, or allow more"
        )
    _say_where(result.dataset, result.newly_made)
    return 0


def _in_words(counted: "Coverage") -> list[str]:
    """What was found, a line each."""
    from jaxfake.data.preparation import coverage_text
    from jaxfake.reporting import confounds_text

    parts = (
        coverage_text.remarks(counted),
        coverage_text.table(counted),
        coverage_text.belonging(counted),
        confounds_text.table(counted.confounds),
    )
    return [line for part in parts if part for line in (*part, "")]


def _confounds(sources: "Sequence[Source]") -> dict[str, Any]:
    # It takes seconds to import, and a preparation that is complete already does not need it.
    from jaxfake.evaluation.evidence import confounds

    return confounds.by_split(sources)


def _wanted() -> "Preparation":
    if _DATASET.value not in DATASETS:
        raise InputError(f"--dataset={_DATASET.value}: there is {', '.join(DATASETS)}, {_FORGED}")
    from jaxfake.data.preparation.cropping import CropOptions
    from jaxfake.data.preparation.prepare import Preparation
    from jaxfake.data.preparation.splits import parse_shares

    return Preparation(
        source=_source(),
        out=_folder(_OUT),
        crops=CropOptions(
            size=_SIZE.value,
            frames=_FRAMES.value,
            storage=cast("Storage", _STORAGE.value),
            derive=_DERIVE.value,
            gap=_GAP.value,
            real_frames=_REAL_FRAMES.value,
            subject=cast("Subject", _SUBJECT.value),
        ),
        dataset=_DATASET.value,
        source_options=SourceOptions(
            identity=_IDENTITY.value,
            label=_LABEL.value,
            numbered=cast("Numbered | None", _NUMBERED.value),
            own_splits=not _SPLITS.present,
            manifest=Path(_MANIFEST.value) if _MANIFEST.value else None,
            protocol=Path(_PROTOCOL.value) if _PROTOCOL.value else None,
            drop_youtube=_DROP_YOUTUBE.value,
            follow_links=_FOLLOW_LINKS.value,
            subset=_SUBSET.value,
        ),
        shares=parse_shares(_SPLITS.value),
        workers=_WORKERS.value or len(os.sched_getaffinity(0)),
        face_models=_FACE_MODELS.value,
        engine=_engine(),
        confounds=_confounds,
    )


def _engine() -> "Engine":
    from jaxfake.data.preparation import beam_crops
    from jaxfake.runtime import worker_pool

    runner = runner_of(_BEAM_RUNNER.value, _BEAM_OPTION.value)
    return worker_pool.run if runner is None else beam_crops.engine(runner)


def _source() -> Path:
    if _DATASET.value != TABLE or _SOURCE.value:
        return _folder(_SOURCE)
    if not _MANIFEST.value:
        raise InputError("--manifest is missing: give it the CSV file that names your files")
    return Path(_MANIFEST.value).parent


def _folder(flag: flags.FlagHolder) -> Path:
    if not flag.value:
        raise InputError(f"--{flag.name} is missing: give it a folder")
    return Path(flag.value)


if __name__ == "__main__":
    environment.use_utf8()
    cli.run(main)
