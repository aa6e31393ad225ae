"""A run with an imported network: what it starts from, what is refused, and that it needs no file later."""

import dataclasses
import json
from pathlib import Path
from typing import Any

import jax
import numpy as np
import pytest

from jaxfake.config import Config, parse, to_json
from jaxfake.evaluation.metrics.undefined import Undefined
from jaxfake.experiment import build_method, job, presets
from jaxfake.experiment.load_run import load_run
from jaxfake.experiment.results.frozen_params import NO_STAGE_ONE, frozen_params
from jaxfake.experiment.run_folder import RunFolder
from jaxfake.experiment.start.imported_network import beside, check_imported, load_imported
from jaxfake.experiment.start.initial_weights import InitialWeights, load_initial_weights
from jaxfake.models.finetuned.settings import ImportedSettings
from jaxfake.runtime.errors import InputError
from jaxfake.weights import foundation_file
from jaxfake.weights.tensors import weights_digest
from tests.tiny import tiny_config
from tests.weights.foundation_models import GRID, PATCH, PLAIN, compute, dinov2, random_vit, saved

MEAN, STD = (0.485, 0.456, 0.406), (0.229, 0.224, 0.225)
SIDE = GRID * PATCH


@pytest.fixture
def weights(tmp_path: Path) -> Path:
    """Random weights, which do not say what pixels they are for."""
    return saved(dinov2(random_vit(PLAIN), PLAIN), tmp_path / "vit.safetensors")


def with_network(root: Path, weights: Path, **changes: Any) -> Config:
    """A run of seconds, whose stage 2 finetunes these weights."""
    imported = ImportedSettings(str(weights), "imagenet", PLAIN, SIDE, "layernorm_only", 4)
    run = tiny_config(root, start="scratch", method__networks="finetuned", detect__steps=2)
    return dataclasses.replace(run, finetuned=dataclasses.replace(imported, **changes))


def test_the_network_sees_our_pixels_as_it_saw_its_own(weights: Path, tmp_path: Path) -> None:
    run = with_network(tmp_path, weights)
    found = load_imported(run)
    assert found is not None
    pixels = np.random.default_rng(0).random((SIDE, SIDE, 3)).astype(np.float32)
    network: Any = build_method.imported_network(run)
    tokens = network.network.apply({"params": found.params}, 2 * pixels[None] - 1).tokens[0]
    expected = compute(random_vit(PLAIN), PLAIN, (pixels - MEAN) / STD)
    np.testing.assert_allclose(tokens, expected, atol=1e-5)
    assert found.origin == f"weights with sha256 {weights_digest(weights)}"


def test_what_is_not_said_or_not_there_is_asked_for(weights: Path, tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r"say it by --config.finetuned.pixels=ours .*clip"):
        load_imported(with_network(tmp_path, weights, pixels=""))
    with pytest.raises(InputError, match=r"--config.finetuned.pixels=bgr is not understood"):
        load_imported(with_network(tmp_path, weights, pixels="bgr"))
    for absent in (tmp_path / "absent.safetensors", tmp_path):
        with pytest.raises(InputError, match=f"finetuned.weights={absent} is neither"):
            check_imported(with_network(tmp_path, absent))
    assert load_imported(tiny_config(tmp_path)) is None


def test_an_encoder_is_fetched_by_its_name(
    weights: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    by_name, by_path = (with_network(tmp_path, one) for one in (Path("dinov2_small"), weights))
    monkeypatch.setattr(foundation_file, "obtain", lambda: weights)
    found, expected = load_imported(by_name), load_imported(by_path)
    assert found is not None
    assert expected is not None
    assert found.origin == expected.origin
    jax.tree.map(np.testing.assert_array_equal, found.params, expected.params)


def test_one_that_cannot_be_fetched_ends_a_run_before_it_begins(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def unreachable() -> Path:
        raise InputError("the foundation encoder is missing")

    monkeypatch.setattr(foundation_file, "obtain", unreachable)
    with pytest.raises(InputError, match="the foundation encoder is missing"):
        job.run_job(with_network(tmp_path, Path("dinov2_small")), tmp_path / "run")
    assert not (tmp_path / "run").exists()


def test_the_shipped_variant_names_the_one_that_is_known() -> None:
    config = presets.toyfaces({"name": "mover"})
    presets.foundation(config)
    assert config.finetuned.weights == foundation_file.NAME


def test_both_networks_are_what_stage_two_starts_from(weights: Path, tmp_path: Path) -> None:
    run = with_network(tmp_path, weights)
    imported = load_imported(run)
    scratch = beside(load_initial_weights(run), imported)
    assert scratch.origin.startswith("fresh parameters; finetuned network: weights with sha256 ")
    begun = jax.jit(build_method.detector(run).init)(jax.random.key(0), scratch.autoencoder)
    given = scratch.autoencoder["imported"]["blocks"]
    np.testing.assert_array_equal(
        begun["imported"]["blocks"]["mlp"]["fc1"]["kernel"], given["mlp"]["fc1"]["kernel"]
    )
    np.testing.assert_array_equal(
        begun["finetuned"]["blocks"]["norm1"]["scale"], given["norm1"]["scale"]
    )
    detector = InitialWeights(None, "stage 2 of another run", {"head": 1})
    assert beside(detector, imported) == detector


@pytest.mark.usefixtures("one_device")
def test_a_finished_run_needs_the_file_no_more(
    weights: Path, tiny_root: Path, tmp_path: Path
) -> None:
    run = with_network(tiny_root, weights)
    job.run_job(run, tmp_path / "run")
    assert "imported network" in (tmp_path / "run" / "report.html").read_text()
    results = tmp_path / "run" / "eval" / "tiny" / "test" / "metrics.json"
    baselines = json.loads(results.read_text())["baselines"]
    assert baselines["linear_probe_imported"]["auc"] is not None
    for name in ("linear_probe_stage_1", "recovery_raw"):
        assert "there is no stage 1" in baselines[name]["auc_reason"]
    weights.unlink()
    loaded = load_run(tmp_path / "run", None)
    left = frozen_params(loaded, RunFolder(tmp_path / "run"))
    assert isinstance(left.imported, Undefined)
    assert left.imported.reason.startswith("the imported network was finetuned")
    assert left.stage_one == NO_STAGE_ONE
    assert loaded.config.finetuned == run.finetuned
    assert loaded.metadata.identity.start.startswith("fresh parameters; finetuned network: weights")
    job.run_job(run, tmp_path / "run")  # says what it found, and trains nothing
    rank = dataclasses.replace(run.finetuned, tuning="lora")
    other = dataclasses.replace(run, start=str(tmp_path / "run" / "checkpoints" / "detect"))
    assert load_initial_weights(other).detector is not None
    with pytest.raises(InputError, match=r"holds a detector with finetuned=.*tuning='lora'"):
        load_initial_weights(dataclasses.replace(other, finetuned=rank))


@pytest.mark.parametrize(
    ("key", "value", "said"),
    [
        ("side", 30, "finetuned.side 30 must be a multiple of vit.patch 7"),
        ("side", 0, "finetuned.side must be at least 1"),
        ("side", 7 * 129, "has more than 16384 patches"),
        ("side", 1 << 20, "finetuned.side=1048576 is more than"),
        ("lora_rank", 0, "finetuned.lora_rank must be at least 1"),
        ("lora_rank", 17, "lora_rank must be at most the width, 16"),
        ("tuning", "bitfit", "finetuned.tuning must be one of full, layernorm_only, lora"),
        ("vit.patch", 0, "finetuned.vit.patch must be at least 1"),
        ("vit.registers", -1, "vit.registers must not be negative"),
        ("vit.epsilon", 0.0, "vit.epsilon must be greater than 0"),
        ("window", 1.5, "finetuned.window must be greater than 0 and at most 1"),
        ("blocks", (1, 3), "finetuned.blocks must be numbers from 1 to 2, in order"),
        ("blocks", (2, 1), "finetuned.blocks must be numbers from 1 to 2, in order"),
        ("vit.size.heads", 3, "width 16 must be a multiple of 4 times its heads"),
        ("vit.size.depth", 1 << 12, "finetuned.vit.size.depth=4096 is more than"),
    ],
)
def test_settings_that_cannot_work_are_named(
    key: str, value: object, said: str, tmp_path: Path
) -> None:
    values = to_json(with_network(tmp_path, tmp_path / "w.safetensors"))
    *groups, last = key.split(".")
    group = values["finetuned"]
    for name in groups:
        group = group[name]
    group[last] = value
    with pytest.raises(InputError, match=said):
        parse(values)


def test_a_network_that_nothing_would_use_is_refused(tmp_path: Path) -> None:
    values = to_json(with_network(tmp_path, tmp_path / "w.safetensors"))
    for changed in (
        {"method": values["method"] | {"networks": "mapping"}},
        {"method": None, "detect": None, "start": "recover"},
    ):
        with pytest.raises(InputError, match="finetuned needs a stage 2 that uses it"):
            parse(values | changed)
