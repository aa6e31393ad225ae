"""The probe is scikit-learn's, chosen on validation alone, and comes back from its file as it was."""

import dataclasses
import json

import numpy as np
import pytest
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import roc_auc_score
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from jaxfake.evaluation.evidence.baselines.linear_probe import (
    STRENGTHS,
    FittedOn,
    LabelledFeatures,
    fit_probe,
    read_probes,
    write_probes,
)
from jaxfake.evaluation.metrics.undefined import Undefined
from jaxfake.runtime.errors import InputError

FITTED_ON = FittedOn("a network", "a" * 64, "b" * 64, 40, 40, 40, 40)


def drawn(seed, count=40, width=60, gain=0.5):
    """Faces of both classes, which a tenth of the features tell a little; scales differ."""
    rng = np.random.default_rng(seed)
    label = np.repeat(np.array([0, 1], np.int32), count)
    features = rng.normal(size=(2 * count, width))
    features[:, : width // 10] += gain * label[:, None]
    scales = np.geomspace(0.1, 100, width)
    return LabelledFeatures((features * scales + 3 * scales).astype(np.float32), label)


def by_scikit_learn(train, strength):
    learner = LogisticRegression(C=strength, class_weight="balanced", max_iter=1000)
    return make_pipeline(StandardScaler(), learner).fit(
        train.features.astype(np.float64), train.label
    )


def test_it_is_the_pipeline_of_scikit_learn_with_the_best_strength_on_validation():
    train, validation, test = drawn(0), drawn(1), drawn(2)
    probe = fit_probe(train, validation, FITTED_ON)
    aucs = {
        strength: roc_auc_score(
            validation.label,
            by_scikit_learn(train, strength).predict_proba(validation.features)[:, 1],
        )
        for strength in STRENGTHS
    }
    assert probe.validation_auc == pytest.approx(max(aucs.values()))
    assert probe.validation_auc == pytest.approx(aucs[probe.strength])
    assert min(aucs.values()) < probe.validation_auc  # there was something to choose
    expected = by_scikit_learn(train, probe.strength).predict_proba(test.features)[:, 1]
    np.testing.assert_allclose(probe.score(test.features), expected, atol=1e-3)


def test_of_equal_strengths_the_most_regularised_is_taken():
    probe = fit_probe(drawn(0, gain=30), drawn(1, gain=30), FITTED_ON)
    assert (probe.validation_auc, probe.strength) == (1.0, STRENGTHS[0])


def test_a_feature_that_never_changes_tells_nothing():
    train, validation = drawn(0), drawn(1)
    train.features[:, 7] = 5.0
    assert fit_probe(train, validation, FITTED_ON).weights[7] == pytest.approx(0.0, abs=1e-9)


def test_a_validation_of_one_class_chooses_nothing():
    one = drawn(1)
    reals = LabelledFeatures(one.features[:40], one.label[:40])
    with pytest.raises(ValueError, match="both classes are needed"):
        fit_probe(drawn(0), reals, FITTED_ON)


def test_it_comes_back_from_its_file_as_it_was(tmp_path):
    probes = {"one": fit_probe(drawn(0), drawn(1), FITTED_ON), "other": Undefined("no stage 1")}
    write_probes(tmp_path / "probes.json", probes)
    assert read_probes(tmp_path / "probes.json") == probes


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"offset": 9.0}, "digest is not that of its content"),
        ({"weights": "many"}, "weights"),
        ({"weights": [None]}, "weights"),
        ({"further": 1}, "not a known key"),
    ],
)
def test_a_changed_file_is_named_and_not_believed(tmp_path, change, said):
    path = tmp_path / "probes.json"
    write_probes(path, {"one": fit_probe(drawn(0), drawn(1), FITTED_ON)})
    content = json.loads(path.read_text())
    content["one"] |= change
    path.write_text(json.dumps(content))
    with pytest.raises(InputError, match=rf"probes.json is damaged.*{said}"):
        read_probes(path)


@pytest.mark.parametrize("text", ["[]", "{", '{"one": 3}'])
def test_a_file_of_something_else_is_named(tmp_path, text):
    (tmp_path / "probes.json").write_text(text)
    with pytest.raises(InputError, match=r"probes.json is damaged"):
        read_probes(tmp_path / "probes.json")


def test_weights_that_are_not_finite_are_not_believed(tmp_path):
    path = tmp_path / "probes.json"
    probe = fit_probe(drawn(0), drawn(1), FITTED_ON)
    broken = dataclasses.replace(probe, offset=float("nan"))
    content = {"one": dataclasses.asdict(broken) | {"sha256": broken.sha256}}
    path.write_text(json.dumps(content))
    with pytest.raises(InputError, match="a weight is not finite"):
        read_probes(path)
