"""A machine died, and only a folder of checkpoints was copied away: it is scored, and says what it is."""

import dataclasses
import json
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any, NamedTuple

import jax
import numpy as np
import pytest

from jaxfake import config
from jaxfake.checkpoints.checksummed_json import MOST_BYTES, checksummed, read_checksummed
from jaxfake.checkpoints.manager import CheckpointFolder
from jaxfake.checkpoints.metadata import CheckpointMetadata
from jaxfake.checkpoints.wall_time import WallTime
from jaxfake.config import Config, config_digest
from jaxfake.experiment import build_method, open_data
from jaxfake.experiment.evaluate_dataset import description, own_data, results_root
from jaxfake.experiment.load_run import load_run
from jaxfake.experiment.start.initial_weights import load_initial_weights
from jaxfake.models.method import Params
from jaxfake.reporting.checkpoint_facts import checkpoint_text
from jaxfake.runtime.errors import InputError
from jaxfake.train.stage import StagePlan, identity, prepare, training_record
from tests.experiment.evaluating import evaluated
from tests.experiment.test_job import small

pytestmark = pytest.mark.usefixtures("one_device")
STEPS, BATCH, FACES, REALS = 3, 8, 96, 48
ORIGIN = f"stage 1 of this run, step {STEPS}"


class Dead(NamedTuple):
    """A run whose machine is gone."""

    run: Config
    checkpoints: Path
    data: str  # fingerprint of what it was trained on


@pytest.fixture(scope="module")
def dead(tiny_root: Path, tmp_path_factory: pytest.TempPathFactory, one_device: None) -> Dead:
    """Both stages. Nothing is learnt; what a real run saves is read in `test_job`."""
    short = small(tiny_root)
    assert short.detect is not None
    longer = [dataclasses.replace(stage, steps=STEPS) for stage in (short.recover, short.detect)]
    run = dataclasses.replace(short, recover=longer[0], detect=longer[1])
    splits = open_data.training_splits(run)
    train, val = splits.train, splits.val
    folder = tmp_path_factory.mktemp("dead") / "checkpoints"
    recover, detect = build_method.recovery(run), build_method.detector(run)
    saved(StagePlan("recover", recover, run.recover, (0,), train, val), run, folder, {})
    plan = StagePlan("detect", detect, run.detect, (0, 1), train, val, None, ORIGIN)
    saved(plan, run, folder, {1: 0.6, 2: 0.9, 3: 0.7})
    return Dead(run, folder, train.digest)


def saved(plan: StagePlan, run: Config, folder: Path, scores: dict[int, float]) -> None:
    """A state of each step, all different, as the loop saves them."""
    state = prepare(plan, run).update.fresh()
    metadata = CheckpointMetadata(identity(plan, run), training_record(plan, run), WallTime())
    checkpoints = CheckpointFolder(folder / plan.name, STEPS, print)
    for step in range(1, STEPS + 1):
        state = state.replace(
            step=state.step + 1, params=_moved(state.params), ema=_moved(state.ema)
        )
        checkpoints.save(step, state, metadata)
        checkpoints.wait()
        if step in scores:
            checkpoints.set_score(step, scores[step])
    checkpoints.close()


@jax.jit
def _moved(params: Params) -> Params:
    return jax.tree.map(lambda p: p * 1.01, params)


def copied(folder: Path, to: Path) -> Path:
    return Path(shutil.copytree(folder, to))


def listing(folder: Path) -> dict[str, int]:
    """Everything below, with the time of its last change."""
    return {str(path): path.stat().st_mtime_ns for path in sorted(folder.rglob("*"))}


def edited(checkpoint: Path, edit: Callable[[dict[str, Any]], None]) -> None:
    """Writes a checkpoint's notes anew, as another version or somebody would have."""
    path = checkpoint / "meta" / "metadata"
    meta = read_checksummed(path)
    edit(meta["notes"])
    path.write_text(json.dumps(checksummed(meta)))


def as_of(run: Config) -> Callable[[dict[str, Any]], None]:
    """An edit that gives a checkpoint another config."""

    def edit(notes: dict[str, Any]) -> None:
        notes["run"]["config"] = config.to_json(run)
        notes["config"] = config_digest(run)

    return edit


def spoilt(checkpoint: Path) -> None:
    """Flips a bit of the arrays."""
    arrays = max((checkpoint / "state").rglob("d/*"), key=lambda path: path.stat().st_size)
    data = bytearray(arrays.read_bytes())
    data[len(data) // 2] ^= 1
    arrays.write_bytes(data)


def test_one_copied_checkpoint_is_scored_and_says_what_it_was(
    dead: Dead, tiny_root: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    folder = copied(dead.checkpoints / "detect" / "2", tmp_path / "epoch200")
    before = listing(folder)
    run = load_run(folder, None)
    said = checkpoint_text(description(run))
    for fact in (
        f"checkpoint: step 2 of {STEPS} of detect (mover)",
        f"epoch: {2 * BATCH / FACES:.1f}, of {FACES} faces",
        f"trained on: {jax.device_count()} x cpu, JAX {jax.__version__}",
        "validation score: 0.9000",
        f"started from: {ORIGIN}",
        f"config sha256: {config_digest(dead.run)}",
        f"training data sha256: {dead.data}",
    ):
        assert fact in said
    with pytest.raises(
        InputError, match=f"--data is missing: the run was trained on '{tiny_root}'"
    ):
        own_data(run)
    done = evaluated(run, tiny_root, tmp_path / "out")
    assert "video AUC" in done.in_words[0]
    assert done.report == tmp_path / "out" / "eval" / "tiny" / "test" / "report.html"
    page = done.report.read_text()
    assert f"Step 2 of {STEPS} is not the end of the stage" in page
    assert all(
        text in page for text in (config_digest(dead.run), dead.data, "epoch", "no mean mask")
    )
    metrics = json.loads((done.report.parent / "metrics.json").read_text())
    assert (metrics["stage"], metrics["step"]) == ("detect", 2)
    assert (metrics["config_sha256"], metrics["train_sha256"]) == (
        config_digest(dead.run),
        dead.data,
    )
    assert listing(folder) == before


def test_a_folder_of_any_depth_gives_the_same_state(dead: Dead, tmp_path: Path) -> None:
    whole = copied(dead.checkpoints, tmp_path / "run" / "checkpoints")
    detect = copied(dead.checkpoints / "detect", tmp_path / "from the old box")
    runs = [load_run(path, None) for path in (tmp_path / "run", whole, detect)]
    single = load_run(detect / str(runs[0].step), None)
    for run in (*runs[1:], single):
        assert (run.stage, run.step) == ("detect", runs[0].step)
        jax.tree.map(np.testing.assert_array_equal, run.params, runs[0].params)
    assert results_root(runs[0], None).path == tmp_path / "run"
    name = f"from the old box-{config_digest(dead.run)[:8]}"
    assert results_root(runs[2], None).path == Path("salvaged") / name  # not among the checkpoints


def test_what_is_not_whole_is_passed_over_and_left_as_it_is(
    dead: Dead, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    folder = copied(dead.checkpoints / "detect", tmp_path / "detect")
    for score in folder.rglob("score.json"):  # so the newest is wanted
        score.unlink()
    (folder / "7.orbax-checkpoint-tmp-3" / "state").mkdir(parents=True)
    (folder / "trash" / "1").mkdir(parents=True)
    (folder / "5").mkdir()
    spoilt(folder / "3")
    before = listing(tmp_path)
    run = load_run(folder, None)
    assert run.step == 2
    said = capsys.readouterr().out
    assert "detect/7.orbax-checkpoint-tmp-3 was not finished" in said
    assert "detect/5 is damaged" in said
    assert "detect/3 is damaged" in said
    assert f"checkpoint: step 2 of {STEPS} of detect" in checkpoint_text(description(run))
    assert listing(tmp_path) == before


def test_a_damaged_selected_state_leaves_the_next_best(
    dead: Dead, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    folder = copied(dead.checkpoints / "detect", tmp_path / "detect")
    assert load_run(folder, None).step == 2
    spoilt(folder / "2")
    other = load_run(folder, None)
    assert (other.step, other.validation_score) == (3, 0.7)
    assert "detect/2 is damaged" in capsys.readouterr().out
    with pytest.raises(InputError, match="choose another step"):
        load_run(folder, 2)


def test_parameters_that_are_not_finite_are_named(dead: Dead, tmp_path: Path) -> None:
    splits = open_data.training_splits(dead.run)
    recover = build_method.recovery(dead.run)
    plan = StagePlan("recover", recover, dead.run.recover, (0,), splits.train, splits.val)
    state = prepare(plan, dead.run).update.fresh()
    broken = jax.tree.map(lambda leaf: leaf * jax.numpy.nan, state.params["decoder"]["norm"])
    decoder = state.params["decoder"] | {"norm": broken}
    metadata = CheckpointMetadata(
        identity(plan, dead.run), training_record(plan, dead.run), WallTime()
    )
    checkpoints = CheckpointFolder(tmp_path / "recover", STEPS, print)
    checkpoints.save(0, state.replace(params=state.params | {"decoder": decoder}), metadata)
    checkpoints.close()
    with pytest.raises(
        InputError, match=r"recover/0: the parameter decoder/norm/bias is not finite"
    ):
        load_run(tmp_path, None)


def test_stage_one_alone_is_scored_as_that_and_goes_on(
    dead: Dead, tiny_root: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    folder = copied(dead.checkpoints / "recover", tmp_path / "checkpoints" / "recover")
    faces = copied(tiny_root, tmp_path / "data")
    for file in faces.rglob("*-train*"):
        file.unlink()
    run = load_run(tmp_path, None)
    said = checkpoint_text(description(run))
    assert f"checkpoint: step {STEPS} of {STEPS} of recover\n" in said
    assert f"epoch: {STEPS * BATCH / REALS:.1f}, of {REALS} faces" in said
    with pytest.raises(InputError, match="--aggregation is for a detector"):
        evaluated(run, faces, tmp_path, "max")
    done = evaluated(run, faces, tmp_path)
    assert "masked error" in done.in_words[0]
    assert "zero-shot" in done.report.read_text()
    results = tmp_path / "eval" / "tiny" / "test" / "recover"
    table = json.loads((results / "recovery.json").read_text())
    assert (table["stage"], table["step"]) == ("recover", STEPS)
    assert set(table["recovery"]) == {"autoencoder", "inpainting (Telea)"}
    for path in (tmp_path, folder, folder / "3"):
        begun = load_initial_weights(dataclasses.replace(dead.run, start=str(path)))
        jax.tree.map(np.testing.assert_array_equal, begun.autoencoder, run.params)


def test_an_unfinished_stage_one_is_started_from_only_by_its_own_name(
    dead: Dead, tmp_path: Path
) -> None:
    folder = copied(dead.checkpoints / "recover", tmp_path / "recover")
    longer = dataclasses.replace(dead.run.recover, steps=9)
    run = dataclasses.replace(dead.run, recover=longer)

    edited(folder / str(STEPS), as_of(run))
    with pytest.raises(InputError, match=r"step 3 of 9, not finished; .* own folder, .*recover/3"):
        load_initial_weights(dataclasses.replace(dead.run, start=str(folder)))
    begun = load_initial_weights(dataclasses.replace(dead.run, start=str(folder / "3")))
    assert "step 3" in begun.origin


def test_what_does_not_belong_together_is_one_line(dead: Dead, tmp_path: Path) -> None:
    copied(dead.checkpoints, tmp_path / "checkpoints")
    other = dataclasses.replace(dead.run, seed=dead.run.seed + 1)
    saved = tmp_path / "config.json"
    saved.write_text(json.dumps({"config": config.to_json(other)}))
    with pytest.raises(InputError, match=r"config\.json is .*do not belong together"):
        load_run(tmp_path, None)
    saved.write_text(json.dumps({"config": config.to_json(dead.run)}))
    run = load_run(tmp_path, None)
    assert run.located.config == dead.run
    begun = load_initial_weights(dataclasses.replace(dead.run, start=str(run.located.checkpoints)))
    assert begun.detector is not None
    with pytest.raises(InputError, match="is the checkpoint of step 2, not 3"):
        load_run(run.located.checkpoints / "2", 3)
    with pytest.raises(InputError, match="does not hold a run"):
        load_run(tmp_path / "checkpoints" / "detect" / "2" / "meta", None)


def test_notes_of_others_are_not_trusted(dead: Dead, tmp_path: Path) -> None:
    folder = copied(dead.checkpoints / "detect" / "2", tmp_path / "2")
    pristine = (folder / "meta" / "metadata").read_bytes()

    def refused(said: str) -> None:
        with pytest.raises(InputError, match=said):
            load_run(folder, None)
        (folder / "meta" / "metadata").write_bytes(pristine)

    edited(folder, lambda notes: notes.pop("run"))
    refused("is of an older version, which did not keep the config")
    edited(folder, lambda notes: notes["run"]["config"].update(novel=1))
    refused(r"is of another version: config\.novel is not a known key")
    edited(folder, lambda notes: notes["run"]["config"].update(seed=5))
    refused("do not belong together")
    edited(folder, lambda notes: notes.update(data=["a"]))
    refused("identity.data must be a text")
    (folder / "meta" / "metadata").write_bytes(b" " * (MOST_BYTES + 1))
    refused(r"metadata has more than \d+ bytes")
    (folder / "meta" / "metadata").write_bytes(b"[" * (MOST_BYTES // 2))
    refused("is damaged")
    edited(folder, lambda notes: notes["run"]["config"]["data"].update(root="/elsewhere"))
    assert load_run(folder, None).step == 2


def test_a_run_of_a_gpu_goes_on_without_one(
    dead: Dead, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    copied(dead.checkpoints, tmp_path / "checkpoints")
    model = dataclasses.replace(dead.run.model, dtype="bfloat16", attend="cudnn")
    on_gpu = dataclasses.replace(dead.run, model=model)
    for checkpoint in tmp_path.glob("checkpoints/*/[0-9]*"):
        edited(checkpoint, as_of(on_gpu))
    run = load_run(tmp_path, None)
    assert "without cuDNN" in capsys.readouterr().out
    assert run.metadata.identity.config == config_digest(on_gpu)
    here = dataclasses.replace(on_gpu, model=dataclasses.replace(model, attend="xla"))
    begun = load_initial_weights(dataclasses.replace(here, start=str(tmp_path)))
    assert begun.autoencoder is not None
