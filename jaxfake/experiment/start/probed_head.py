"""A classifier that begins as a linear probe on the imported network (Kumar et al., 2022), not at random.

What the network tells already is then found before the first update, by a regression and not by many small
steps, and finetuning changes the network from there and not to suit a random head.
"""

import dataclasses
from pathlib import Path

import jax
import jax.numpy as jnp

from jaxfake.config import Config
from jaxfake.evaluation.evidence.baselines.frozen_features import FrozenNetwork, NormalisedFeatures
from jaxfake.evaluation.evidence.baselines.linear_probe import (
    LinearProbe,
    read_probes,
    write_probes,
)
from jaxfake.evaluation.evidence.baselines.probe_splits import probe_splits
from jaxfake.evaluation.metrics.undefined import Undefined
from jaxfake.experiment import build_method, open_data
from jaxfake.experiment.open_data import TrainingSplits
from jaxfake.experiment.start.imported_network import ImportedWeights
from jaxfake.experiment.start.initial_weights import InitialWeights
from jaxfake.models.heads import PROBE
from jaxfake.runtime.errors import InputError
from jaxfake.runtime.progress import say

_MOST_FITTED = 3000
"""Training faces of each class that it is fitted on; our choice, minutes on a CPU."""

_HEAD = "head"
"""Of the probe in its file."""


def with_probe(
    begin: InitialWeights,
    imported: ImportedWeights | None,
    run: Config,
    splits: TrainingSplits,
    file: Path,
) -> InitialWeights:
    """What stage 2 starts from, with a probe for its head if the config wants one.

    Args:
        begin: without it; a detector has a head already.
        imported: the network that is probed.
        run: the config.
        splits: on the faces of which, and of the forgeries of the config, it is fitted.
        file: where it is kept, so that a run that goes on begins with the same.

    Raises:
        InputError: no probe can be fitted, or the file is damaged.
    """
    settings = run.finetuned
    if (
        settings is None
        or imported is None
        or settings.head != "probe"
        or begin.detector is not None
    ):
        return begin
    network = build_method.imported_network(run)
    assert network is not None
    features = NormalisedFeatures(build_method.recovery(run), network)
    name = f"{imported.origin}; blocks {settings.blocks} at {settings.side} pixels, normalised"
    probe = _kept_or_fitted(FrozenNetwork(features, imported.params, name), run, splits, file)
    say(f"the head begins as a linear probe, AUC {probe.validation_auc:.3f} on validation faces")
    arrays = {
        "weights": jnp.asarray(probe.weights, jnp.float32),
        "offset": jnp.float32(probe.offset),
    }
    start = (begin.autoencoder or {}) | {PROBE: arrays}
    origin = f"{begin.origin}; head: linear probe {probe.sha256}"
    return dataclasses.replace(begin, autoencoder=start, origin=origin)


def _kept_or_fitted(
    network: FrozenNetwork, run: Config, splits: TrainingSplits, file: Path
) -> LinearProbe:
    train = open_data.with_fakes(splits.train, run)
    val = open_data.for_selection(splits.val, run)
    fitted_on = network.name, train.digest, val.digest
    if (kept := _kept(file, fitted_on)) is not None:
        return kept
    probe = probe_splits(network, train, val, build_method.scoring(run), _MOST_FITTED)
    if isinstance(probe, Undefined):
        raise InputError(f"finetuned.head=probe: {probe.reason}")
    write_probes(file, {_HEAD: probe})
    return probe


def _kept(file: Path, fitted_on: tuple[str, str, str]) -> LinearProbe | None:
    """The probe in the file, if it was fitted on these: network, training and validation faces."""
    if jax.process_count() > 1:
        return None  # the first process alone has the files of the run, and all must do the same
    try:
        probe = read_probes(file).get(_HEAD)
    except FileNotFoundError:
        return None
    if not isinstance(probe, LinearProbe):
        return None
    of = probe.fitted_on
    return probe if (of.network, of.train_sha256, of.validation_sha256) == fitted_on else None
