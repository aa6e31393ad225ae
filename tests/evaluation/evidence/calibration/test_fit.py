"""The fits are scikit-learn's and the papers', whatever the share of fakes, and only of validation."""

import numpy as np
import pytest
from scipy.optimize import minimize, minimize_scalar
from scipy.special import expit, logit
from sklearn.base import BaseEstimator, ClassifierMixin
from sklearn.calibration import CalibratedClassifierCV
from sklearn.frozen import FrozenEstimator

from jaxfake.evaluation.evidence.calibration import calibration
from jaxfake.evaluation.evidence.calibration.fit import Source, fit
from jaxfake.evaluation.metrics.likelihood_ratio import cllr, pav_log10_lr
from jaxfake.runtime.errors import InputError
from tests.evaluation.evidence.calibration.cases import SOURCE, drawn, fitted

KINDS = ("temperature", "platt", "isotonic")


class Given(ClassifierMixin, BaseEstimator):
    """Hands a logit through, so that scikit-learn calibrates it."""

    def fit(self, x, y):
        self.classes_ = np.unique(y)
        return self

    def predict(self, x):
        return (x[:, 0] > 0).astype(int)

    def decision_function(self, x):
        return x[:, 0]


def by_scikit_learn(method, labels, scores, weights=None):
    x = logit(np.clip(scores, 1e-6, 1 - 1e-6))[:, None]
    model = CalibratedClassifierCV(FrozenEstimator(Given().fit(x, labels)), method=method)
    return model.fit(x, labels, sample_weight=weights).predict_proba(x)[:, 1]


def test_platt_is_scikit_learns_where_both_classes_are_as_many():
    labels, scores, person = drawn(0)
    ours = fit("platt", labels, scores, person, SOURCE).chance(scores)
    theirs = np.clip(by_scikit_learn("sigmoid", labels, scores), 1 / 202, 201 / 202)
    np.testing.assert_allclose(ours, theirs, atol=2e-4)


def test_temperature_is_scikit_learns_up_to_the_targets():
    labels, scores, person = drawn(0, people=5000)
    ours = fit("temperature", labels, scores, person, SOURCE).chance(scores)
    np.testing.assert_allclose(ours, by_scikit_learn("temperature", labels, scores), atol=5e-3)


@pytest.mark.parametrize("kind", ["temperature", "platt"])
def test_the_line_has_the_smallest_cost(kind):
    """An independent minimiser of the same cost, written with the mean of each class."""
    labels, scores, person = drawn(1)
    rows = np.r_[:200, 300:400]  # twice as many reals
    labels, scores, person = labels[rows], scores[rows], person[rows]
    at, high, low = logit(scores), (101 / 102), 1 / 202

    def cost(line):
        chance = expit(line[0] * at + line[1])
        of_fakes = high * np.log(chance) + (1 - high) * np.log1p(-chance)
        of_reals = low * np.log(chance) + (1 - low) * np.log1p(-chance)
        return -(of_fakes[labels == 1].mean() + of_reals[labels == 0].mean())

    if kind == "platt":
        best = minimize(cost, [1.0, 0.0], tol=1e-10).x
    else:
        best = (minimize_scalar(lambda slope: cost((slope, 0.0))).x, 0.0)
    found = fit(kind, labels, scores, person, SOURCE)
    np.testing.assert_allclose((found.slope, found.offset), best, atol=2e-4)


def test_isotonic_is_pooling_up_to_the_limits():
    labels, scores, person = drawn(2)
    found = fit("isotonic", labels, scores, person, SOURCE)
    expected = np.clip(pav_log10_lr(labels, scores), found.least, found.most)
    np.testing.assert_allclose(found.log10_lr(scores), expected, atol=1e-9)


@pytest.mark.parametrize("kind", KINDS)
def test_a_ratio_does_not_depend_on_the_share_of_fakes(kind):
    labels, scores, person = drawn(3, people=2000)
    fewer = np.r_[:2000, 2000:2400]
    whole = fit(kind, labels, scores, person, SOURCE)
    part = fit(kind, labels[fewer], scores[fewer], person[fewer], SOURCE)
    at = np.linspace(0.1, 0.9, 9)
    np.testing.assert_allclose(whole.log10_lr(at), part.log10_lr(at), atol=0.25)


@pytest.mark.parametrize("kind", KINDS)
def test_calibrated_ratios_are_worth_what_they_say_on_new_people(kind):
    found, (labels, scores, _) = fitted(kind, people=1000), drawn(9, people=1000)
    ratio = found.log10_lr(scores)
    assert cllr(labels, ratio) < cllr(labels, pav_log10_lr(labels, scores)) + 0.05
    strong = np.abs(ratio - 1) < 0.3  # said to be some ten times as probable among fakes
    times = strong[labels == 1].mean() / strong[labels == 0].mean()
    assert 10**0.5 < times < 10**1.5


@pytest.mark.parametrize("kind", KINDS)
def test_perfectly_separated_scores_show_no_more_than_the_people_can(kind):
    labels, person = np.repeat([0, 1], 20), np.arange(40)
    scores = np.where(labels == 1, 0.99, 0.01) + np.linspace(0, 0.005, 40)
    found = fit(kind, labels, scores, person, SOURCE)
    ratio = found.log10_lr(scores)
    assert np.isfinite(ratio).all()
    assert ratio.max() <= np.log10(21)
    assert ratio.min() >= -np.log10(21)
    extremes = found.log10_lr(np.array([0.0, 1.0]))
    assert found.least <= extremes[0] <= ratio.min() < ratio.max() <= extremes[1] <= found.most


def test_scores_that_are_no_probabilities_are_their_own_evidence():
    labels, scores, person = drawn(0)
    from_logits = fit("platt", labels, 3 * logit(scores), person, SOURCE)
    np.testing.assert_allclose(
        from_logits.log10_lr(3 * logit(scores)),
        fit("platt", labels, scores, person, SOURCE).log10_lr(scores),
        atol=1e-3,
    )
    with pytest.raises(InputError, match="temperature is for probabilities"):
        fit("temperature", labels, 3 * logit(scores), person, SOURCE)


def test_what_must_not_be_calibrated_is_refused():
    labels, scores, person = drawn(0)
    with pytest.raises(InputError, match="must not be fitted on a test split"):
        fit("platt", labels, scores, person, Source("test", ""))
    with pytest.raises(InputError, match="10 people of each class, and there are 9"):
        fit("platt", labels, scores, person % 9, SOURCE)
    for kind in KINDS:
        with pytest.raises(InputError, match="do not have the higher scores"):
            fit(kind, labels, np.where(labels, 0.2, 0.8), person, SOURCE)


@pytest.mark.parametrize("kind", KINDS)
def test_a_stored_calibration_is_the_same_or_refused(kind, tmp_path):
    found, path = fitted(kind), tmp_path / "calibration.json"
    calibration.write(path, found)
    again = calibration.read(path)
    assert again == found
    assert again.sha256 == found.sha256 != fitted(kind, seed=1).sha256
    text = path.read_text()
    for damage in (
        text.replace('"most": 2', '"most": 3'),
        text.replace('"kind"', '"kin"'),
        text[:-30],
        "[]",
    ):
        path.write_text(damage)
        with pytest.raises(InputError, match="is damaged"):
            calibration.read(path)
