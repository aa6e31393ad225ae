"""Asks a trained detector about photographs and videos: scores, heat maps, a verdict in words of evidence.

    python -m jaxfake.detect FILE_OR_FOLDER... --out=OUT [--model=MODEL]

MODEL is the folder of a run, a model folder made by python -m jaxfake.export, or a name for one of them; by
default the starter model, which comes with jaxfake.
OUT gets results.json, report.html and pictures of faces. The same command again goes on wherever it was
stopped. A file that cannot be read is named and passed over.
"""

from jaxfake.runtime import standard_streams
from jaxfake.runtime.preemption import preemption

if __name__ == "__main__":
    standard_streams.outlive()
    preemption.listen()  # the imports take a second, in which a stop may be requested too

import os
from pathlib import Path
from typing import TYPE_CHECKING, cast

from absl import flags

from jaxfake.beam.runner import runner_of
from jaxfake.runtime import cli
from jaxfake.runtime.errors import InputError
from jaxfake.runtime.path_flags import define_path
from jaxfake.runtime.processes import environment

if TYPE_CHECKING:
    from jaxfake.data.layouts.own_files.numbered import Numbered
    from jaxfake.inference.jobs.archive import Summary
    from jaxfake.inference.results import Results

_MODEL = define_path(
    "model",
    "starter",
    "Folder of a run, a model folder, or a name in the file of names of models; by default the one that "
    "comes with jaxfake.",
)
_OUT = define_path("out", None, "Folder for results; made if it does not exist.")
_FRAMES = flags.DEFINE_integer("frames", 32, "Most frames of a video, evenly spaced.", 1, 3000)
_NUMBERED = flags.DEFINE_enum(
    "numbered", None, ["frames", "photos"], "What pictures in a folder are whose names differ in a "
    "number alone; by default what the names say."
)  # fmt: skip
_WORKERS = flags.DEFINE_integer(
    "workers", None, "Processes that read files; by default one per core.", 1
)
_MOST_SECONDS = flags.DEFINE_float(
    "most_seconds", 900.0, "Most time that reading one file may take.", 1.0
)
_MOST_MEMORY = flags.DEFINE_integer(
    "most_memory_mb", 4096, "Most memory that reading one file may take, in MiB.", 256
)
_FACE_MODELS = define_path("face_models", None, "Folder of the face models, if offline.")
_PROGRESS_FILE = define_path(
    "progress_file", None, "File that is kept up to date with how far the work is, as JSON."
)

_RECORD = flags.DEFINE_bool(
    "record", False, "Write a record of everything, which --verify can check later."
)
_SIGN_KEY = define_path("sign_key", None, "File of a private Ed25519 key that signs the record.")
_ANNOTATE = flags.DEFINE_bool(
    "annotate", False, "Write a copy of each video with its faces marked; needs PyAV."
)
_VERIFY = define_path("verify", None, "Folder of results with a record, to be checked.")
_PUBLIC_KEY = define_path(
    "public_key", None, "With --verify: the public key that must have signed."
)

_SHARDED = flags.DEFINE_bool(
    "sharded", None, "Write results as JSON lines, results-00000-of-000NN.jsonl with 1,000 files each, and "
    "no pictures or page: for archives. By default with --beam_runner alone."
)  # fmt: skip
_BEAM_RUNNER = flags.DEFINE_string(
    "beam_runner",
    None,
    "Score the files in an Apache Beam pipeline with this runner: DirectRunner here, DaskRunner, "
    "FlinkRunner, SparkRunner or DataflowRunner elsewhere. See docs/scale_out.md.",
)
_BEAM_OPTION = flags.DEFINE_multi_string(
    "beam_option", [], "An option of that pipeline, KEY=VALUE or KEY; may be repeated."
)

_SAID = 20
"""Verdicts that are printed; all are in the results."""


def main(named: list[str]) -> None:
    """Flags in, one call, messages out."""
    if _VERIFY.value:
        _verify(Path(_VERIFY.value))
        return
    if _PUBLIC_KEY.value:
        raise InputError("--public_key is for --verify")
    _detect(named)


def _detect(named: list[str]) -> None:
    if not named:
        raise InputError("name the photographs, videos or folders to ask about")
    for flag in (_MODEL, _OUT):
        if not flag.value:
            raise InputError(f"--{flag.name} is missing: give it a folder")
    from jaxfake.inference import signature
    from jaxfake.inference.report import annotated
    from jaxfake.runtime.devices import check_devices

    if _SIGN_KEY.value:
        if not _RECORD.value:
            raise InputError("--sign_key signs a record: give --record as well")
        signature.check_key(Path(_SIGN_KEY.value))
    if _ANNOTATE.value:
        annotated.check_installed()
    runner = runner_of(_BEAM_RUNNER.value, _BEAM_OPTION.value)
    sharded = runner is not None if _SHARDED.value is None else _SHARDED.value
    for flag in (_RECORD, _ANNOTATE):
        if sharded and flag.value:
            raise InputError(f"--{flag.name} goes with results.json: give --nosharded as well")
    check_devices()
    # These take seconds to import.
    from jaxfake.inference.detector import Detector
    from jaxfake.inference.job import DetectionJob, run_job_by, score_here
    from jaxfake.inference.jobs import archive, by_beam
    from jaxfake.inference.model.opened_model import open_model
    from jaxfake.runtime.files import expand_home
    from jaxfake.runtime.worker_pool import Limits

    detector = Detector(open_model(_MODEL.value), _FRAMES.value, _FACE_MODELS.value)
    job = DetectionJob(
        named=tuple(Path(expand_home(one)) for one in named),
        out=Path(_OUT.value),
        workers=_WORKERS.value or len(os.sched_getaffinity(0)),
        limits=Limits(_MOST_SECONDS.value, _MOST_MEMORY.value << 20),
        numbering=cast("Numbered | None", _NUMBERED.value),
        progress_file=Path(_PROGRESS_FILE.value) if _PROGRESS_FILE.value else None,
        pictures=not sharded,
        record=_RECORD.value,
        annotate=_ANNOTATE.value,
        sign_key=Path(_SIGN_KEY.value) if _SIGN_KEY.value else None,
    )
    scorer = score_here if runner is None else by_beam.scorer(runner, _MODEL.value)
    if sharded:
        _say_archive(archive.run_archive(scorer, job, detector), job.out)
    else:
        _say(run_job_by(scorer, job, detector), job.out)


def _say_archive(found: "Summary", out: Path) -> None:
    from jaxfake.inference.jobs import archive
    from jaxfake.runtime.progress import say

    for one in found.runtime.degraded:
        say(f"note: {one.sentence}")
    counts, answers = found.counts, found.answers
    say(
        f"{counts['files']} files: {counts['scored']} scored, {counts['no_face']} without a face, "
        f"{counts['refused']} refused; evidence of manipulation in {answers['fake']}"
    )
    say(f"results: {len(found.shards)} shards, {out / archive.SUMMARY}")
    if counts["refused"] == counts["files"]:
        raise InputError(f"none of {counts['files']} files could be read; {out} says why")


def _verify(out: Path) -> None:
    from jaxfake.inference import record, signature
    from jaxfake.runtime.progress import say

    found = record.verify(out)
    changed = list(found.changed)
    if _PUBLIC_KEY.value:
        fault = signature.fault(out, record.read_record(out), Path(_PUBLIC_KEY.value))
        changed += [fault] if fault else []
    elif (out / signature.FILE).exists():
        say("not checked: the signature (give --public_key)")
    for sentence in found.unchecked:
        say(f"not checked: {sentence}")
    for sentence in changed:
        say(f"changed: {sentence}")
    say(f"last link: {found.last}")
    if changed:
        raise InputError(f"{out} is not what was recorded: {changed[0]}")
    say("nothing that was checked has changed; who made the record, only a signature can show")


def _say(found: "Results", out: Path) -> None:
    from jaxfake.runtime.progress import say

    for one in found.runtime.degraded:
        say(f"note: {one.sentence}")
    for file in found.files[:_SAID]:
        say(f"{file.file.path}: {file.verdict.words}")
    if len(found.files) > _SAID:
        say(f"... and {len(found.files) - _SAID} more files")
    say(f"report: {out / 'report.html'}")
    if found.files and found.count("refused") == len(found.files):
        first = found.files[0]
        raise InputError(
            f"none of {len(found.files)} files could be read, such as {first.file.path}: {first.refusal}"
        )


if __name__ == "__main__":
    environment.use_utf8()
    cli.run_on_files(main)
