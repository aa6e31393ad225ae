"""A classifier that begins as a linear probe on the imported network (Kumar et al., 2022), not at random.

What the network tells already is then found before the first update, by a regression and not by many small
steps, and finetuning changes the network from there and not to suit a random head.
"""

import dataclasses
import shutil
from pathlib import Path

import jax
import jax.numpy as jnp
import numpy as np

from jaxfake.config import Config
from jaxfake.data.dataset import FaceDataset
from jaxfake.data.pipeline import Augmentation, augmented
from jaxfake.evaluation.evidence import fitted_json
from jaxfake.evaluation.evidence.baselines.frozen_features import FrozenNetwork, NormalisedFeatures
from jaxfake.evaluation.evidence.baselines.linear_probe import FittedOn, fit_probe
from jaxfake.evaluation.evidence.baselines.probe_splits import ProbeData, probe_data
from jaxfake.evaluation.metrics.undefined import Undefined
from jaxfake.evaluation.result_files import write_json
from jaxfake.experiment import build_method, open_data
from jaxfake.experiment.open_data import TrainingSplits
from jaxfake.experiment.run_folder import RunFolder
from jaxfake.experiment.start.imported_network import ImportedWeights
from jaxfake.experiment.start.initial_weights import InitialWeights
from jaxfake.models.heads import PROBE, Probe
from jaxfake.runtime.errors import InputError
from jaxfake.runtime.files import read_json
from jaxfake.runtime.progress import say
from jaxfake.schema import Example

_MOST_FITTED = 3000
"""Training faces of each class that it is fitted on; our choice, minutes on a CPU."""

_LEAST_SPREAD = 1e-3
"""Of a feature, whose value for a face has a variance of 1 among those of the face."""

_MOST_BYTES = 1 << 24
_REASON = "no_probe"


@dataclasses.dataclass(frozen=True)
class HeadProbe:
    """A probe on features of mean 0 and variance 1, as it is kept.

    Attributes:
        weights: of the W features.
        offset: of the logit.
        mean, spread: of the features over the training faces, the spread greater than 0.
        validation_auc: over faces, by which it was chosen.
        fitted_on: network and splits.
    """

    weights: tuple[float, ...]
    offset: float
    mean: tuple[float, ...]
    spread: tuple[float, ...]
    validation_auc: float
    fitted_on: FittedOn

    @property
    def start(self) -> Probe:
        """For a method to start from."""
        arrays = self.weights, self.offset, self.mean, self.spread
        return Probe(*(jnp.asarray(values, jnp.float32) for values in arrays))

    @property
    def sha256(self) -> str:
        """Digest of all that it holds."""
        return fitted_json.digest(self)


@dataclasses.dataclass(frozen=True)
class _AugmentedFaces:
    """Training faces as stage 2 sees them, each in one view. A probe on them as they are stored relies on
    what the first change of scale takes away."""

    faces: FaceDataset
    augmentation: Augmentation
    seed: int

    def __len__(self) -> int:
        return len(self.faces)

    def __getitem__(self, row: int) -> Example:
        rng = np.random.default_rng([abs(self.seed), row])
        return augmented(self.faces[row], self.augmentation, rng)

    def name(self, row: int) -> str:
        return self.faces.name(row)


def with_probe(
    begin: InitialWeights,
    imported: ImportedWeights | None,
    run: Config,
    splits: TrainingSplits,
    folder: RunFolder,
) -> InitialWeights:
    """What stage 2 starts from, with a probe for its head if the config wants one.

    Args:
        begin: without it; a detector has a head already.
        imported: the network that is probed.
        run: the config.
        splits: on the faces of which, and of the forgeries of the config, it is fitted.
        folder: where it is kept, so that a run that goes on begins with the same; so are its features until
            it is fitted.

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
    probe = _kept_or_fitted(imported, run, splits, folder)
    say(f"the head begins as a linear probe, AUC {probe.validation_auc:.3f} on validation faces")
    start = (begin.autoencoder or {}) | {PROBE: probe.start}
    origin = f"{begin.origin}; head: linear probe {probe.sha256}"
    return dataclasses.replace(begin, autoencoder=start, origin=origin)


def _kept_or_fitted(
    imported: ImportedWeights, run: Config, splits: TrainingSplits, folder: RunFolder
) -> HeadProbe:
    settings, stage, network = run.finetuned, run.detect, build_method.imported_network(run)
    assert settings is not None
    assert stage is not None
    assert network is not None
    views = Augmentation(stage.crop, stage.photometric)
    name = (
        f"{imported.origin}; blocks {settings.blocks}, window {settings.window} at {settings.side} pixels; "
        f"{views}"
    )
    features = NormalisedFeatures(build_method.recovery(run), network)
    frozen = FrozenNetwork(features, imported.params, name)
    train = open_data.with_fakes(splits.train, run)
    val = open_data.for_selection(splits.val, run)
    if (kept := _kept(folder.head_probe, (name, train.digest, val.digest))) is not None:
        return kept
    keep = None if jax.process_count() > 1 else folder.head_features

    def augmented_faces(faces: FaceDataset) -> _AugmentedFaces:
        return _AugmentedFaces(faces, views, run.seed)

    scoring = build_method.scoring(run)
    data = probe_data(frozen, train, val, scoring, _MOST_FITTED, augmented_faces, keep)
    if isinstance(data, Undefined):
        raise InputError(f"finetuned.head=probe: {data.reason}")
    probe = _fitted(data)
    write_json(folder.head_probe, fitted_json.to_json(probe, _REASON))
    if keep is not None:
        shutil.rmtree(keep, ignore_errors=True)
    return probe


def _fitted(data: ProbeData) -> HeadProbe:
    probe, seen = fit_probe(*data), data.train.features.astype(np.float64)
    weights, mean = np.asarray(probe.weights), seen.mean(0)
    spread = np.maximum(seen.std(0), _LEAST_SPREAD)
    return HeadProbe(
        tuple((weights * spread).tolist()),
        float(probe.offset + weights @ mean),
        tuple(mean.tolist()),
        tuple(spread.tolist()),
        probe.validation_auc,
        data.fitted_on,
    )


def _kept(file: Path, fitted_on: tuple[str, str, str]) -> HeadProbe | None:
    """The probe in the file, if it was fitted on these: network, training and validation faces."""
    if jax.process_count() > 1:
        return None  # the first process alone has the files of the run, and all must do the same
    try:
        values = read_json(file, _MOST_BYTES)
    except FileNotFoundError:
        return None
    probe = fitted_json.from_json(HeadProbe, values, "probe", _REASON, file, "delete it")
    if not isinstance(probe, HeadProbe):
        return None
    of = probe.fitted_on
    return probe if (of.network, of.train_sha256, of.validation_sha256) == fitted_on else None
