"""Stages in a row: what stage 2 starts from, what it may see, and a finished run scored elsewhere."""

import csv
import dataclasses
import json
import shutil
from pathlib import Path
from typing import NamedTuple

import cv2
import jax
import numpy as np
import pytest
from safetensors.numpy import save_file

from configs import mover
from jaxfake import config
from jaxfake.config import Config
from jaxfake.evaluation.evidence.calibration import calibration
from jaxfake.evaluation.evidence.protocols.protocol import load_protocol
from jaxfake.evaluation.model_selection import by_validation
from jaxfake.experiment import build_method, job, open_data
from jaxfake.experiment.load_run import load_run
from jaxfake.experiment.run_config import read_config
from jaxfake.experiment.run_folder import CONFIG, RunFolder
from jaxfake.experiment.start.initial_weights import load_initial_weights
from jaxfake.models.vit import Size
from jaxfake.runtime.errors import InputError
from jaxfake.train.stage import StagePlan, prepare
from jaxfake.weights import names
from jaxfake.weights.convert import from_params
from tests.evaluation.evidence.calibration.cases import fitted
from tests.experiment.evaluating import evaluated

pytestmark = pytest.mark.usefixtures("one_device")


def small(root: Path, **changes: object) -> Config:
    """The embedded default, cut down to two steps a stage on the tiny dataset.

    Without the mapping network, which takes most of the compilation and has no part in these tests.
    """
    shipped = config.parse(mover.get_config("finetuned"))
    assert shipped.detect is not None
    stage = {"steps": 2, "batch_size": 8, "learning_rate": 0.1, "warmup": 0.0}
    run = dataclasses.replace(
        shipped,
        log_every=1,
        data=dataclasses.replace(shipped.data, source=str(root), size=32, threads=1),
        model=dataclasses.replace(
            shipped.model, patch=8, encoder=Size(16, 1, 2), decoder=Size(16, 1, 2)
        ),
        mask=dataclasses.replace(shipped.mask, count=1),
        recover=dataclasses.replace(shipped.recover, **stage),
        detect=dataclasses.replace(shipped.detect, select_every=1, **stage),
        evaluation=dataclasses.replace(shipped.evaluation, batch_size=8, resamples=20),
    )
    return dataclasses.replace(run, **changes)


class Blind(NamedTuple):
    """What was trained where there was no test split."""

    run: Config
    workdir: Path
    outcome: job.Outcome


@pytest.fixture(scope="module")
def blind(tiny_root: Path, tmp_path_factory: pytest.TempPathFactory, one_device: None) -> Blind:
    """Both stages, the test split's files deleted."""
    folder = tmp_path_factory.mktemp("job")
    root = Path(shutil.copytree(tiny_root, folder / "data"))
    for file in root.rglob("*-test*"):
        file.unlink()
    run = small(root)
    outcome = job.train(run, RunFolder(folder / "run"), open_data.training_splits(run), None)
    return Blind(run, folder / "run", outcome)


@pytest.fixture(scope="module")
def finished(blind: Blind, tiny_root: Path) -> Path:
    """The folder of that run after the rest of it, where there is a test split."""
    job.run_job(small(tiny_root), blind.workdir)
    return blind.workdir


def test_training_needs_no_test_split_and_evaluation_does(blind: Blind) -> None:
    assert blind.outcome.detected is not None
    with pytest.raises(InputError, match=r"split 'test' of .* is damaged"):
        open_data.test_split(blind.run)


@pytest.mark.parametrize("stage", ["recover", "detect"])
def test_a_batch_that_the_devices_cannot_share_claims_nothing(
    stage: str, tiny_root: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    run = small(tiny_root)
    monkeypatch.setattr(jax, "devices", lambda: jax.local_devices()[:8])
    odd = dataclasses.replace(getattr(run, stage), batch_size=7)
    with pytest.raises(InputError, match="cannot be spread evenly over 8 devices"):
        job.run_job(dataclasses.replace(run, **{stage: odd}), tmp_path / "run")
    assert not (tmp_path / "run").exists()


def test_no_stage_and_no_selection_takes_the_test_split(tiny_root: Path) -> None:
    run = small(tiny_root)
    train = open_data.training_splits(run).train
    test = open_data.test_split(run)
    recover = build_method.recovery(run)
    for plan in (
        StagePlan("recover", recover, run.recover, (0,), test, train),
        StagePlan("recover", recover, run.recover, (0,), train, test),
    ):
        with pytest.raises(ValueError, match="must not see the test split"):
            prepare(plan, run)
    with pytest.raises(ValueError, match="selected by the test split"):
        by_validation(build_method.detector(run), test, 1, build_method.scoring(run), "mean")


def test_too_few_people_to_calibrate_on_are_said(finished: Path) -> None:
    metrics = json.loads((finished / "eval" / "tiny" / "test" / "metrics.json").read_text())
    assert metrics["calibration"] is None
    assert "needs 10 people of each class" in metrics["calibration_reason"]
    assert "Not calibrated: a calibration needs 10 people" in (finished / "report.html").read_text()


def test_stage_two_starts_from_what_it_is_told(finished: Path, tmp_path: Path) -> None:
    run = read_config(finished / CONFIG)
    own = load_initial_weights(dataclasses.replace(run, start=str(finished)))
    assert own.autoencoder is not None
    assert "stage 1 of another run, step 2" in own.origin
    alone = Path(shutil.copytree(finished / "checkpoints" / "recover", tmp_path / "alone"))
    salvaged = load_initial_weights(dataclasses.replace(run, start=str(alone)))
    assert salvaged.origin == own.origin
    jax.tree.map(np.testing.assert_array_equal, salvaged.autoencoder, own.autoencoder)
    begun = build_method.detector(run).init(jax.random.key(5), own.autoencoder)
    jax.tree.map(np.testing.assert_array_equal, begun["finetuned"], own.autoencoder["encoder"])
    assert load_initial_weights(dataclasses.replace(run, start="scratch")).autoencoder is None


def test_weights_of_another_codebase_are_a_start(finished: Path, tmp_path: Path) -> None:
    run = read_config(finished / CONFIG)
    own = load_initial_weights(dataclasses.replace(run, start=str(finished))).autoencoder
    file = tmp_path / "mae.safetensors"
    for stacks, table in ((own, names.FACEBOOK), ({"encoder": own["encoder"]}, names.TIMM)):
        save_file(from_params(stacks, table, grid=4), file)
        named = dataclasses.replace(run, start=str(file), start_pixels="ours", start_norm_pix="no")
        got = load_initial_weights(named).autoencoder
        jax.tree.map(np.testing.assert_array_equal, got["encoder"], own["encoder"])
        assert jax.tree.structure(got) == jax.tree.structure(own)


def test_a_start_that_does_not_fit_is_one_line(finished: Path, tmp_path: Path) -> None:
    run = read_config(finished / CONFIG)
    wide = dataclasses.replace(run.model, encoder=Size(32, 1, 2))
    with pytest.raises(InputError, match="holds an autoencoder"):
        load_initial_weights(dataclasses.replace(run, model=wide, start=str(finished)))
    with pytest.raises(InputError, match="does not hold a run"):
        load_initial_weights(dataclasses.replace(run, start=str(tmp_path)))
    garbage = tmp_path / "garbage.safetensors"
    garbage.write_bytes(b"\xff" * 100)
    with pytest.raises(InputError, match=r"not a readable \.safetensors file"):
        load_initial_weights(dataclasses.replace(run, start=str(garbage)))


def test_a_run_of_one_device_scores_alike_on_eight(
    finished: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = finished / "eval" / "tiny" / "test" / "step_2"
    run = load_run(finished, 2)
    evaluated(run, run.config.data.source, step=2)
    on_one = _scores(folder / "scores.csv")
    shutil.rmtree(folder)
    monkeypatch.setattr(jax, "devices", jax.local_devices)
    monkeypatch.setattr(jax, "device_count", jax.local_device_count)
    assert jax.device_count() == len(jax.devices()) == 8
    evaluated(load_run(finished, 2), run.config.data.source, step=2)
    on_eight = _scores(folder / "scores.csv")
    assert on_one.keys() == on_eight.keys()
    assert len(on_one) == 8
    for video, score in on_eight.items():
        assert score == pytest.approx(on_one[video], abs=1e-5)


def test_evaluating_again_gives_the_same_scores(finished: Path) -> None:
    folder = finished / "eval" / "tiny" / "test"
    before = _scores(folder / "scores.csv")
    run = load_run(finished, None)
    evaluated(run, run.config.data.source)
    assert _scores(folder / "scores.csv") == before


def test_evidence_stands_beside_the_metrics_where_it_is_asked_for(
    finished: Path, tmp_path: Path
) -> None:
    run = load_run(finished, None)
    name = calibration.detector_name(run.metadata.identity.config, run.step, "mean")
    found = fitted()
    of_this = dataclasses.replace(found.fitted_on, detector=name)
    calibration.write(finished / "calibration.json", dataclasses.replace(found, fitted_on=of_this))
    done = evaluated(
        run,
        run.config.data.source,
        out=tmp_path,
        protocol=load_protocol("own_faces"),
        perturb=("jpeg",),
    )
    metrics = json.loads((done.report.parent / "metrics.json").read_text())
    assert done.report.parent.name == "protocol_own_faces"
    assert metrics["protocol"]["sha256"] == load_protocol("own_faces").sha256
    assert metrics["calibration"]["fitted_on"]["detector"] == name
    assert len(metrics["robustness"]["perturbations"]["jpeg"]["levels"]) == 5
    assert metrics["robustness"]["applied_to"] == "crop"
    page = done.report.read_text()
    for title in ("Strength of evidence", "Robustness", "Worst mistakes", "Model card"):
        assert f"<h2>{title}</h2>" in page
    other = evaluated(run, run.config.data.source, out=tmp_path, aggregation="median")
    metrics = json.loads((other.report.parent / "metrics.json").read_text())
    assert "another checkpoint or aggregation" in metrics["calibration_reason"]


def test_baselines_of_the_same_videos_stand_beside_the_detector(finished: Path) -> None:
    folder = finished / "eval" / "tiny" / "test"
    found = json.loads((folder / "metrics.json").read_text())["baselines"]
    alone = json.loads((folder / "recover" / "metrics.json").read_text())
    assert found["recovery_relative"]["auc"] == alone["video"]["auc"]
    assert found["recovery_raw"]["auc"] == alone["evidence"]["error_mean"]["video"]["auc"]
    assert alone["baselines"] is None  # the last stage has them
    probe = found["linear_probe_stage_1"]
    assert probe["auc"] is not None
    assert probe["probe"]["fitted_on"]["train_sha256"] == alone["train_sha256"]
    assert "linear_probe_imported" not in found
    page = (finished / "report.html").read_text()
    assert "<h2>Baselines</h2>" in page
    assert "linear probe on stage 1" in page


def test_the_probe_that_a_run_keeps_serves_where_its_training_data_are_gone(
    finished: Path, tiny_root: Path, tmp_path: Path
) -> None:
    elsewhere = Path(shutil.copytree(tiny_root, tmp_path / "elsewhere"))
    for file in elsewhere.rglob("*-train*"):
        file.unlink()
    run = load_run(finished, None)
    done = evaluated(run, elsewhere, out=tmp_path)
    before = json.loads((finished / "eval" / "tiny" / "test" / "metrics.json").read_text())
    after = json.loads((done.report.parent / "metrics.json").read_text())
    assert after["baselines"] == before["baselines"]
    alone = Path(shutil.copytree(finished / "checkpoints" / "detect", tmp_path / "alone"))
    done = evaluated(load_run(alone, None), elsewhere, out=tmp_path / "of_alone")
    after = json.loads((done.report.parent / "metrics.json").read_text())["baselines"]
    for name in ("recovery_raw", "linear_probe_stage_1"):
        assert after[name]["auc"] is None
        assert "stage 1 is not at hand" in after[name]["auc_reason"]


def test_a_run_of_an_earlier_version_gets_its_probe_from_its_training_data(
    finished: Path, tiny_root: Path, tmp_path: Path
) -> None:
    folder = Path(shutil.copytree(finished, tmp_path / "earlier"))
    (folder / "probes.json").unlink()
    before = json.loads((finished / "eval" / "tiny" / "test" / "metrics.json").read_text())
    done = evaluated(load_run(folder, None), tiny_root, out=tmp_path)
    after = json.loads((done.report.parent / "metrics.json").read_text())
    assert after["baselines"] == before["baselines"]
    assert not (folder / "probes.json").exists()


def test_a_protocol_refuses_what_it_does_not_test(finished: Path, tmp_path: Path) -> None:
    run, source = load_run(finished, None), load_run(finished, None).config.data.source
    for protocol, changes, said in (
        ("ffpp_c23", {}, "tests ffpp, and not 'tiny'"),
        ("own_faces", {"aggregation": "max"}, "fixes the aggregation 'mean'"),
        ("own_faces", {"split": "val"}, "is for the test split"),
    ):
        with pytest.raises(InputError, match=said):
            evaluated(run, source, out=tmp_path, protocol=load_protocol(protocol), **changes)
    assert not list(tmp_path.rglob("scores.csv"))


def test_faces_that_were_trained_on_are_called_so(finished: Path) -> None:
    run = load_run(finished, None)
    done = evaluated(run, run.config.data.source, aggregation="max", split="train")
    assert "this is not a test of it" in done.report.read_text()


def test_a_folder_without_any_face_is_scored_as_that(finished: Path, tmp_path: Path) -> None:
    (tmp_path / "real").mkdir()
    cv2.imwrite(str(tmp_path / "real" / "wall.png"), np.full((96, 96, 3), 128, np.uint8))
    run = load_run(finished, None)
    done = evaluated(run, tmp_path)
    assert "no video AUC" in done.in_words[0]
    assert "Of the 1 videos, 1 real and 0 fake ones have no face" in done.in_words[0]
    assert _scores(done.report.parent / "scores.csv") == {("real", "real/wall"): 0.5}
    assert done.report.exists()


def _scores(path: Path) -> dict[tuple[str, ...], float]:
    with path.open() as file:
        rows = list(csv.DictReader(file))
    return {(row["method"], row["video_id"]): float(row["score"]) for row in rows}


def test_a_run_that_began_with_cudnn_goes_on_without_a_gpu(tiny_root: Path) -> None:
    plain = small(tiny_root)
    of_a_gpu = dataclasses.replace(plain.model, dtype="bfloat16", attend="cudnn")
    run = dataclasses.replace(plain, model=of_a_gpu)
    here = build_method.computable_here(run)
    assert here.model == dataclasses.replace(of_a_gpu, attend="xla")
    assert config.config_digest(here) == config.config_digest(run)
