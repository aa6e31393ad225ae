"""What it costs that validation selects a state and calibrates it, and what a share kept for that gains."""

import numpy as np
import pytest
from scipy.special import expit

from jaxfake.evaluation.evidence.calibration import conformal
from jaxfake.evaluation.evidence.calibration.fit import fit
from jaxfake.evaluation.evidence.calibration.held_people import held_people
from jaxfake.evaluation.metrics.auc import roc_auc
from tests.evaluation.evidence.calibration.cases import SOURCE

STATES, PEOPLE, ERROR = 8, 100, 0.05


def drawn(rng, people):
    """Scores of states that are equally good, float [states, videos]: a real and a fake of each person."""
    label, person = np.repeat([0, 1], people), np.tile(np.arange(people).astype(str), 2)
    common, own = rng.normal(size=2 * people), rng.normal(size=(STATES, 2 * people))
    return label, expit(1.5 * label + 0.84 * common + 0.55 * own), person


def reals_found_unlike_reals(rng, share):
    """Of new people, by a calibration on that share of validation, or on all that selected the state."""
    label, scores, person = drawn(rng, PEOPLE)
    held = held_people(person, share, seed=0)
    selecting, fitting = (~held, held) if share else (~held, ~held)
    best = int(np.argmax([roc_auc(label[selecting], one[selecting]) for one in scores]))
    found = fit("platt", label[fitting], scores[best][fitting], person[fitting], SOURCE)
    new_label, new_scores, _ = drawn(rng, 1000)
    return (conformal.p_real(found, new_scores[best][new_label == 0]) <= ERROR).mean()


@pytest.mark.slow
def test_to_select_by_the_people_of_the_calibration_costs_little_and_a_share_of_its_own_nothing():
    shares = {
        share: np.mean(
            [reals_found_unlike_reals(np.random.default_rng(seed), share) for seed in range(60)]
        )
        for share in (0.0, 0.5)
    }
    assert ERROR < shares[0.0] < 1.4 * ERROR
    assert shares[0.5] < ERROR
