import numpy as np

from jaxfake.evaluation.metrics.intervals import Bootstrap, mean_interval
from jaxfake.evaluation.metrics.undefined import Undefined


def test_mean_interval_resamples_identities():
    rng = np.random.default_rng(0)
    values, people = rng.normal(3.0, 1.0, 400), np.arange(400)
    interval = mean_interval(values, people, Bootstrap(2000, 0))
    half = 1.96 * values.std() / 20
    np.testing.assert_allclose(interval, (values.mean() - half, values.mean() + half), atol=0.01)
    often = mean_interval(np.repeat(values, 7), np.repeat(people, 7), Bootstrap(2000, 0))
    np.testing.assert_allclose(often, interval)
    assert isinstance(mean_interval(values, np.zeros(400), Bootstrap(400, 1)), Undefined)


def test_intervals_follow_from_their_seed():
    values, people = np.random.default_rng(0).normal(size=60), np.arange(60)
    drawn = [mean_interval(values, people, Bootstrap(100, seed)) for seed in (0, 0, 1)]
    assert drawn[0] == drawn[1] != drawn[2]
