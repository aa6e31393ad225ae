"""A head that begins as a linear probe: the probe's scores before the first update, and the same again."""

import dataclasses
import json
from pathlib import Path
from typing import Any

import jax
import pytest

from jaxfake.evaluation.evidence.baselines.probe_splits import probe_splits
from jaxfake.experiment import build_method, open_data
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


def begun(run: Any, file: Path) -> InitialWeights:
    imported = load_imported(run)
    splits = open_data.training_splits(run)
    return with_probe(beside(load_initial_weights(run), imported), imported, run, splits, file)


def test_it_is_fitted_once_and_named(run: Any, tmp_path: Path, monkeypatch: Any) -> None:
    file = tmp_path / "probe.json"
    first = begun(run, file)
    assert "; head: linear probe " in first.origin
    params = jax.eval_shape(
        lambda: build_method.detector(run).init(jax.random.key(0), first.autoencoder)
    )
    fresh = jax.eval_shape(lambda: build_method.detector(run).init(jax.random.key(0), None))
    assert jax.tree.structure(params) == jax.tree.structure(fresh)
    monkeypatch.setattr(probed_head, "probe_splits", None)  # is not called again
    assert begun(run, file).origin == first.origin


def test_a_probe_of_other_faces_or_blocks_is_fitted_anew(
    run: Any, weights: Path, tiny_root: Path, tmp_path: Path, monkeypatch: Any
) -> None:
    file, fitted = tmp_path / "probe.json", []

    def counted(*given: Any) -> Any:
        fitted.append(given)
        return probe_splits(*given)

    monkeypatch.setattr(probed_head, "probe_splits", counted)
    begun(run, file)
    begun(with_network(tiny_root, weights, head="probe", blocks=(1,)), file)
    content = json.loads(file.read_text())
    assert "blocks (1,)" in json.dumps(content)
    assert len(fitted) == 2


def test_without_it_nothing_is_fitted(weights: Path, tiny_root: Path, tmp_path: Path) -> None:
    plain = begun(with_network(tiny_root, weights), tmp_path / "probe.json")
    assert not (tmp_path / "probe.json").exists()
    assert "probe" not in plain.autoencoder
    assert "head" not in plain.origin


def test_faces_of_one_class_are_named(run: Any, tmp_path: Path) -> None:
    imported, splits = load_imported(run), open_data.training_splits(run)
    reals = dataclasses.replace(splits, train=open_data.without_fakes(splits.train))
    begin = beside(load_initial_weights(run), imported)
    with pytest.raises(InputError, match=r"finetuned.head=probe: the split 'train' has no fake"):
        with_probe(begin, imported, run, reals, tmp_path / "probe.json")
