"""A logistic regression on frozen features: what is found without training any network on fakes.

It is fitted on a bounded number of training faces; how strongly it is regularised is chosen on validation.
It is stored, so that a run can be evaluated on other faces when those that it was fitted on are gone.
"""

import dataclasses
import warnings
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
from scipy.special import expit

from jaxfake.evaluation.evidence import fitted_json
from jaxfake.evaluation.metrics.auc import roc_auc
from jaxfake.evaluation.metrics.undefined import Undefined
from jaxfake.evaluation.result_files import write_json
from jaxfake.runtime.errors import InputError
from jaxfake.runtime.files import read_json

STRENGTHS = (1e-5, 1e-4, 1e-3, 1e-2, 1e-1, 1.0)
"""The C of scikit-learn that are tried, a smaller one regularises more; our choice."""

_MOST_BYTES = 1 << 24
_REASON = "no_probe"


@dataclasses.dataclass(frozen=True)
class FittedOn:
    """What a probe was fitted on, and by what it was chosen.

    Attributes:
        network: name of the network whose features it takes.
        train_sha256, validation_sha256: of the splits.
        real, fake: training faces.
        validation_real, validation_fake: faces by which the strength was chosen.
    """

    network: str
    train_sha256: str
    validation_sha256: str
    real: int
    fake: int
    validation_real: int
    validation_fake: int


@dataclasses.dataclass(frozen=True)
class LinearProbe:
    """From features to P(fake).

    Attributes:
        weights: of the W features.
        offset: of the logit.
        strength: the chosen one of `STRENGTHS`.
        validation_auc: over faces, by which it was chosen.
        fitted_on: see there.
    """

    weights: tuple[float, ...]
    offset: float
    strength: float
    validation_auc: float
    fitted_on: FittedOn

    def score(self, features: np.ndarray) -> np.ndarray:
        """P(fake) of each face, float64 [n], from float [n, W]."""
        return expit(features.astype(np.float64) @ np.asarray(self.weights) + self.offset)

    @property
    def sha256(self) -> str:
        """Digest of all that it holds."""
        return fitted_json.digest(self)


@dataclasses.dataclass(frozen=True, eq=False)
class LabelledFeatures:
    """Faces as a probe is fitted and chosen by: both classes are there."""

    features: np.ndarray  # float32 [n, W]
    label: np.ndarray  # int32 [n], 0 real, 1 fake


def fit_probe(
    train: LabelledFeatures, validation: LabelledFeatures, fitted_on: FittedOn
) -> LinearProbe:
    """The probe with the highest AUC on validation; of equal ones, the most regularised."""
    best: LinearProbe | None = None
    for strength in STRENGTHS:
        weights, offset = _regression(train, strength)
        probe = LinearProbe(tuple(weights.tolist()), offset, strength, 0.0, fitted_on)
        auc = roc_auc(validation.label, probe.score(validation.features))
        if isinstance(auc, Undefined):
            raise ValueError(f"a probe cannot be chosen: {auc.reason}")
        if best is None or auc > best.validation_auc:
            best = dataclasses.replace(probe, validation_auc=auc)
    assert best is not None  # some strengths are tried
    return best


def _regression(train: LabelledFeatures, strength: float) -> tuple[np.ndarray, float]:
    """Weights and offset for features as they are; the regression sees each with mean 0 and variance 1."""
    from sklearn.exceptions import ConvergenceWarning
    from sklearn.linear_model import LogisticRegression

    features = train.features.astype(np.float64)
    mean, spread = features.mean(0), features.std(0)
    spread[spread < 1e-6] = 1.0  # a feature that is the same for all faces tells nothing
    with warnings.catch_warnings():
        # To stop early is one more way to regularise, and validation decides.
        warnings.simplefilter("ignore", ConvergenceWarning)
        fitted = LogisticRegression(C=strength, class_weight="balanced", max_iter=300).fit(
            (features - mean) / spread, train.label
        )
    weights = fitted.coef_[0] / spread
    return weights, float(fitted.intercept_[0] - weights @ mean)


def write_probes(path: Path, probes: Mapping[str, LinearProbe | Undefined]) -> None:
    """Writes the probes by name, each with its digest, or why there is none."""
    write_json(path, {name: fitted_json.to_json(one, _REASON) for name, one in probes.items()})


def read_probes(path: Path) -> dict[str, LinearProbe | Undefined]:
    """The probes in a file, by name.

    Raises:
        FileNotFoundError: there is no such file.
        InputError: it is damaged.
    """
    content: Any = read_json(path, _MOST_BYTES)
    if not isinstance(content, dict):
        raise InputError(f"{path} is damaged: it holds no probes; delete it")
    return {name: _probe(values, path) for name, values in content.items()}


def _probe(values: Any, path: Path) -> LinearProbe | Undefined:
    probe: LinearProbe | Undefined = fitted_json.from_json(
        LinearProbe, values, "probe", _REASON, path, "delete it"
    )
    if isinstance(probe, LinearProbe) and not np.isfinite([*probe.weights, probe.offset]).all():
        raise InputError(f"{path} is damaged: a weight is not finite; delete it")
    return probe
