"""The main job: stage after stage, each picked up where an earlier call left it.

recover (stage 1, real faces only) > the masked error as a zero-shot detector > report

Stages resume from their checkpoints; evaluation and report are made again from the start if they were
interrupted, and come out the same.
"""

import json
from pathlib import Path
from typing import Any, NamedTuple

import jax

from jaxfake import schema
from jaxfake.config import Config, fingerprint, results_values, to_json
from jaxfake.data.dataset import FaceDataset, open_split
from jaxfake.errors import InputError
from jaxfake.files import write_atomically
from jaxfake.models.mae import MaskedAutoencoder
from jaxfake.models.recover import Recover
from jaxfake.models.vit import Compute, Size
from jaxfake.progress import say
from jaxfake.scoring import stage_one
from jaxfake.scoring.metrics import Bootstrap
from jaxfake.scoring.predict import Sweep
from jaxfake.scoring.report import Report, write_report
from jaxfake.scoring.results import Provenance
from jaxfake.scoring.training_log import read_log
from jaxfake.scoring.training_section import training_section
from jaxfake.train import rules
from jaxfake.train.compile_cache import keep_compiled_programs
from jaxfake.train.loop import Trained, run_stage
from jaxfake.train.stage import StagePlan

TOYFACES = "toyfaces"


class Splits(NamedTuple):
    """The faces of a run; only `train` is trained on."""

    train: FaceDataset
    val: FaceDataset
    test: FaceDataset


def run_job(config: Config, workdir: Path) -> None:
    """Runs everything that is not done yet, and prints the results.

    Raises:
        InputError: config, data or workdir do not fit together.
        Preempted: stopped on request, with the state saved.
    """
    done = workdir / "DONE"
    _claim(config, workdir, done.exists())
    if not done.exists():
        keep_compiled_programs()
        splits = _open(config)
        plan = StagePlan(
            "recover", recovery(config), config.recover, (schema.REAL,), splits.train, splits.val
        )
        trained = run_stage(plan, config, workdir)
        results = _evaluate(config, workdir, splits, trained)
        write_atomically(done, "\n\n".join(results.in_words) + "\n")
    say(done.read_text().rstrip())
    say(f"report: {workdir / 'report.html'}")


def recovery(config: Config) -> Recover:
    """Stage 1 as configured."""
    model = config.model
    compute = Compute(model.dtype, model.attend)
    mae = MaskedAutoencoder(model.encoder, model.decoder, config.data.size, model.patch, compute)
    return Recover(mae, config.mask)


def _open(config: Config) -> Splits:
    """The splits of the configured dataset; the embedded one is built on first use."""
    root = Path(config.data.source)
    if config.data.source == TOYFACES:
        from jaxfake.data.builders import toyfaces

        root = toyfaces.build(Path(config.data.root), toyfaces.ToyFaces(size=config.data.size))
    size = config.data.size
    return Splits(*(open_split(root, split, size) for split in ("train", "val", "test")))


def _evaluate(
    config: Config, workdir: Path, splits: Splits, trained: Trained
) -> stage_one.StageOne:
    """Measures the finished stage on the test split and writes `eval/` and the report."""
    settings = config.evaluation
    mesh = rules.make_mesh(config.fsdp, config.recover.batch_size // config.recover.accumulate)
    results = stage_one.evaluate(
        workdir,
        recovery(config),
        trained.params,
        splits.train,
        splits.test,
        Provenance(
            fingerprint(config),
            splits.train.fingerprint,
            splits.test.fingerprint,
            "recover",
            trained.step,
        ),
        Sweep(settings.batch_size, config.seed, mesh, config.data.threads),
        Bootstrap(settings.resamples, config.seed),
    )
    training = training_section(read_log(workdir / "metrics.jsonl", "recover"))
    write_report(
        workdir / "report.html",
        Report(
            title="Stage 1: facial parts recovered from the rest of the face",
            summary=results.in_words[1:],
            highlights=results.highlights,
            facts=_facts(config, workdir, splits),
            sections=(*results.sections, training),
        ),
    )
    return results


def _facts(config: Config, workdir: Path, splits: Splits) -> tuple[tuple[str, str], ...]:
    """What this run is."""
    model, stage = config.model, config.recover
    return (
        ("run", workdir.name),
        ("data", f"{config.data.source}, crops of {config.data.size} pixels"),
        ("training faces", f"{int((splits.train.index.label == schema.REAL).sum())} real ones"),
        ("encoder", f"{_words(model.encoder)}, patches of {model.patch} pixels"),
        ("decoder", _words(model.decoder)),
        ("mask", f"{config.mask.mode}, {config.mask.count} patches"),
        ("training", f"{stage.steps} steps of {stage.batch_size} faces, seed {config.seed}"),
        ("config sha256", fingerprint(config)),
        ("training data sha256", splits.train.fingerprint),
        ("test data sha256", splits.test.fingerprint),
        ("computed on", f"{jax.device_count()} x {jax.devices()[0].device_kind}"),
    )


def _words(size: Size) -> str:
    return f"{size.depth} blocks of width {size.width} with {size.heads} heads"


def _claim(config: Config, workdir: Path, done: bool) -> None:
    """Checks that the workdir belongs to this config, and writes `config.json` unless it is done."""
    path = workdir / "config.json"
    if path.exists():
        saved = json.loads(path.read_text())
        _refuse_other(saved["results_depend_on"], results_values(config), workdir)
        if done:
            # A run in progress may find its data elsewhere, since its checkpoints know their content.
            now = {"data.source": config.data.source}
            _refuse_other({"data.source": saved["config"]["data"]["source"]}, now, workdir)
            return
    workdir.mkdir(parents=True, exist_ok=True)
    content = {
        "sha256": fingerprint(config),
        "results_depend_on": results_values(config),
        "config": to_json(config),
    }
    write_atomically(path, json.dumps(content, indent=2) + "\n")


def _refuse_other(saved: dict[str, Any], now: dict[str, Any], workdir: Path) -> None:
    for key in sorted(saved.keys() | now.keys()):
        if saved.get(key) != now.get(key):
            raise InputError(
                f"{workdir} holds a run with {key}={saved.get(key)}, not {now.get(key)}: "
                "use that value or another --workdir"
            )
