"""A head that begins as a linear probe: the probe's scores before the first update, and the same again."""

import dataclasses
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import jax
import numpy as np
import pytest
from scipy.special import expit

from jaxfake.data.pipeline import Augmentation
from jaxfake.evaluation.evidence.baselines.kept_features import KeptFeatures
from jaxfake.evaluation.evidence.baselines.linear_probe import (
    FittedOn,
    LabelledFeatures,
    fit_probe,
)
from jaxfake.evaluation.evidence.baselines.probe_splits import ProbeData, probe_data
from jaxfake.experiment import build_method, job, open_data
from jaxfake.experiment.run_folder import RunFolder
from jaxfake.experiment.start import probed_head
from jaxfake.experiment.start.imported_network import beside, load_imported
from jaxfake.experiment.start.initial_weights import InitialWeights, load_initial_weights
from jaxfake.experiment.start.probed_head import with_probe
from jaxfake.runtime.errors import InputError
from tests.experiment.start.test_imported_network import weights, with_network

__all__ = ["weights"]

pytestmark = pytest.mark.usefixtures("one_device")


@pytest.fixture
def run(weights: Path, tiny_root: Path) -> Any:
    return with_network(tiny_root, weights, head="probe")


def begun(run: Any, folder: Path) -> InitialWeights:
    imported = load_imported(run)
    splits = open_data.training_splits(run)
    return with_probe(
        beside(load_initial_weights(run), imported), imported, run, splits, RunFolder(folder)
    )


def test_it_is_fitted_once_and_named(run: Any, tmp_path: Path, monkeypatch: Any) -> None:
    first = begun(run, tmp_path)
    assert "; head: linear probe " in first.origin
    params = jax.eval_shape(
        lambda: build_method.detector(run).init(jax.random.key(0), first.autoencoder)
    )
    fresh = jax.eval_shape(lambda: build_method.detector(run).init(jax.random.key(0), None))
    assert jax.tree.structure(params) == jax.tree.structure(fresh)
    monkeypatch.setattr(probed_head, "probe_data", None)  # is not called again
    assert begun(run, tmp_path).origin == first.origin


def test_a_probe_of_other_faces_or_blocks_is_fitted_anew(
    run: Any, weights: Path, tiny_root: Path, tmp_path: Path, monkeypatch: Any
) -> None:
    file, fitted = RunFolder(tmp_path).head_probe, []

    def counted(*given: Any) -> Any:
        fitted.append(given)
        return probe_data(*given)

    monkeypatch.setattr(probed_head, "probe_data", counted)
    begun(run, tmp_path)
    begun(with_network(tiny_root, weights, head="probe", blocks=(1,)), tmp_path)
    assert "blocks (1,)" in file.read_text()
    assert len(fitted) == 2


def test_it_is_fitted_to_faces_as_training_sees_them(run: Any) -> None:
    splits = open_data.training_splits(run)
    views = probed_head._AugmentedFaces(splits.train, Augmentation(0.5, 1.0), seed=3)
    again = probed_head._AugmentedFaces(splits.train, Augmentation(0.5, 1.0), seed=3)
    np.testing.assert_array_equal(views[1].image, again[1].image)
    assert not np.array_equal(views[1].image, splits.train[1].image)


def test_the_same_scores_with_features_of_mean_0_and_variance_1() -> None:
    raw = np.random.default_rng(0).normal(3, 4, (8, 1))
    data = LabelledFeatures(raw, np.arange(8, dtype=np.int32) % 2)
    made_of = FittedOn("", "", "", 4, 4, 4, 4)
    fitted = probed_head._fitted(ProbeData(data, data, made_of))
    plain = fit_probe(data, data, made_of)
    standard = (raw - fitted.mean) / fitted.spread
    scores = expit(standard @ np.asarray(fitted.weights) + fitted.offset)
    np.testing.assert_allclose(scores, plain.score(raw), rtol=1e-9)
    assert standard.std() == pytest.approx(1)


def test_without_it_nothing_is_fitted(weights: Path, tiny_root: Path, tmp_path: Path) -> None:
    plain = begun(with_network(tiny_root, weights), tmp_path)
    assert not RunFolder(tmp_path).head_probe.exists()
    assert "probe" not in plain.autoencoder
    assert "head" not in plain.origin


def test_faces_of_one_class_are_named(run: Any, tmp_path: Path) -> None:
    imported, splits = load_imported(run), open_data.training_splits(run)
    reals = dataclasses.replace(splits, train=open_data.without_fakes(splits.train))
    begin = beside(load_initial_weights(run), imported)
    with pytest.raises(InputError, match=r"finetuned.head=probe: the split 'train' has no fake"):
        with_probe(begin, imported, run, reals, RunFolder(tmp_path))


def test_a_kill_among_its_features_loses_one_batch(
    run: Any, tmp_path: Path, monkeypatch: Any
) -> None:
    folder, undisturbed = RunFolder(tmp_path / "run"), RunFolder(tmp_path / "undisturbed")
    for one in (folder, undisturbed):
        one.path.mkdir()
    whole = begun(run, undisturbed.path).origin
    with monkeypatch.context() as patch:
        patch.setattr(probed_head, "fit_probe", None)  # as if killed before it was fitted
        with pytest.raises(TypeError):
            begun(run, folder.path)
    assert [one.name for one in sorted(folder.head_features.iterdir())] == ["train", "val"]
    with monkeypatch.context() as patch:
        patch.setattr(KeptFeatures, "write", None)  # nothing is computed again
        assert begun(run, folder.path).origin == whole
    assert not folder.head_features.exists()


def test_it_is_no_part_of_what_a_restart_costs(run: Any, tmp_path: Path, monkeypatch: Any) -> None:
    now, began = [100.0], []

    def slow(begin: InitialWeights, *_: Any) -> InitialWeights:
        now[0] += 300
        return begin

    def stage(plan: Any, config: Any, files: Any, since: float) -> Any:
        began.append(since)
        return SimpleNamespace(params={}, ended=None)

    monkeypatch.setattr(job, "time", SimpleNamespace(monotonic=lambda: now[0]))
    monkeypatch.setattr(job, "with_probe", slow)
    monkeypatch.setattr(job, "run_stage", stage)
    monkeypatch.setattr(job, "from_training", lambda *given: given[-1])
    begin, splits = load_initial_weights(run), open_data.training_splits(run)
    job.train(run, RunFolder(tmp_path), splits, begin, since=90.0)
    assert began == [390.0]
