import numpy as np
from hypothesis import given
from hypothesis import strategies as st
from sklearn import metrics as oracle

from jaxfake.evaluation.metrics.delong import auc_covariance, person_shares
from jaxfake.evaluation.metrics.undefined import Undefined
from tests.evaluation.metrics.strategies import ANY_SCORES


def _kernel(labels, scores):
    """1 where the fake (row) beats the real (column), 1/2 for ties."""
    fakes, reals = scores[labels == 1][:, None], scores[labels == 0][None]
    return (fakes > reals) + 0.5 * (fakes == reals)


@given(ANY_SCORES)
def test_with_one_video_a_person_it_is_the_matrix_form_of_delong(case):
    """Covariances of rows and of columns of the matrix of all pairs, as the paper writes them."""
    labels, scores = case
    other = np.random.default_rng(len(labels)).permutation(scores).round(1)
    shares = [person_shares(labels, some, np.arange(len(labels))) for some in (scores, other)]
    if min((labels == 1).sum(), (labels == 0).sum()) < 2:
        assert isinstance(shares[0], Undefined)
        return
    kernels = [_kernel(labels, some) for some in (scores, other)]
    rows, columns = (np.cov([k.mean(axis) for k in kernels]) for axis in (1, 0))
    expected = rows / kernels[0].shape[0] + columns / kernels[0].shape[1]
    ours = [[auc_covariance(one, two) for two in shares] for one in shares]
    np.testing.assert_allclose(ours, expected, atol=1e-12)
    assert np.isclose(shares[0].auc, oracle.roc_auc_score(labels, scores), atol=1e-12)


@given(st.integers(0, 2**32 - 1))
def test_videos_of_one_person_are_one_observation(seed):
    """Every video ten times over: the same AUC and the same variance."""
    rng = np.random.default_rng(seed)
    labels, scores, people = np.tile([0, 1], 12), rng.normal(size=24), np.repeat(np.arange(12), 2)
    once = person_shares(labels, scores, people)
    often = person_shares(*(np.repeat(part, 10) for part in (labels, scores, people)))
    np.testing.assert_allclose(auc_covariance(often, often), auc_covariance(once, once))


def test_the_variance_over_people_is_that_of_new_samples_of_people():
    """People differ, and a person's fakes resemble their reals."""
    rng, aucs, variances = np.random.default_rng(0), [], []
    people, labels = np.repeat(np.arange(40), 6), np.tile([0, 0, 1, 1, 1, 1], 40)
    for _ in range(400):
        own, look = rng.normal(size=40), rng.normal(size=(40, 2))
        scores = own[people] + look[people, labels] + labels + rng.normal(size=240)
        shares = person_shares(labels, scores, people)
        aucs.append(shares.auc)
        variances.append(auc_covariance(shares, shares))
    np.testing.assert_allclose(np.mean(variances), np.var(aucs), rtol=0.1)


def test_two_people_of_each_class_are_needed():
    labels, scores = np.array([0, 0, 1, 1]), np.arange(4.0)
    for people in ([0, 0, 1, 2], [0, 1, 2, 2], [0, 0, 0, 0]):
        assert isinstance(person_shares(labels, scores, np.array(people)), Undefined)
