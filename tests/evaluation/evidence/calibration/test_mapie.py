"""The conformal sets are those of MAPIE, which is fetched for this test alone."""

import subprocess
import sys

import numpy as np
import pytest
from sklearn.base import BaseEstimator, ClassifierMixin

from jaxfake.evaluation.evidence.calibration.conformal import answers
from jaxfake.evaluation.evidence.calibration.fit import fit
from tests.evaluation.evidence.calibration.cases import SOURCE, drawn


class Given(ClassifierMixin, BaseEstimator):
    """A classifier whose input is P(fake)."""

    def fit(self, x, y):
        self.classes_, self.n_features_in_ = np.unique(y), 1
        return self

    def predict_proba(self, x):
        return np.stack([1 - x[:, 0], x[:, 0]], axis=1)

    def predict(self, x):
        return (x[:, 0] > 0.5).astype(int)


@pytest.mark.network
@pytest.mark.filterwarnings("ignore")
def test_sets_are_those_of_mapie_fitted_to_each_class(tmp_path, monkeypatch):
    command = [sys.executable, "-m", "pip", "install", "mapie==1.6.0", "--no-deps", "--target"]
    subprocess.run([*command, str(tmp_path)], check=True, capture_output=True)
    monkeypatch.syspath_prepend(str(tmp_path))
    from mapie.classification import SplitConformalClassifier

    for seed in range(5):
        labels, scores, person = drawn(seed, people=60)
        new = drawn(100 + seed, people=100)[1]
        calibration = fit("platt", labels, scores, person, SOURCE)
        for error in (0.05, 0.1, 0.2):
            held = []
            for label in (0, 1):
                own, model = labels == label, Given().fit(None, [0, 1])
                conformal = SplitConformalClassifier(model, confidence_level=1 - error, prefit=True)
                conformal.conformalize(scores[own][:, None], labels[own])
                held.append(conformal.predict_set(new[:, None])[1][:, label, 0])
            names = np.array([["like_neither", "fake"], ["real", "like_both"]])
            expected = names[held[0].astype(int), held[1].astype(int)]
            assert answers(calibration, new, error) == expected.tolist()
