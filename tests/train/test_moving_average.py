import jax
import jax.numpy as jnp
import numpy as np
import pytest

from jaxfake.train.moving_average import averaged, window


def _average(limit, values, start):
    def one(average, numbered):
        number, value = numbered
        return averaged(limit, number, average, value), None

    numbers = jnp.arange(len(values), dtype=jnp.int32)
    return jax.lax.scan(one, jnp.float32(start), (numbers, jnp.float32(values)))[0]


@pytest.mark.parametrize("updates", [20, 2000])
def test_an_early_average_holds_nothing_of_the_initialisation(updates):
    """A run that is salvaged at 2,000 of 50,000 steps: with a constant decay 82 % would be left."""
    assert _average(0.9999, np.zeros(updates), 1.0) < 1e-6


def test_it_follows_as_far_back_as_its_window_says():
    """Of a value that grows by 1 a step, the average lags by about the window."""
    steps = 2000
    lag = steps - 1 - float(_average(0.9999, np.arange(steps), 0.0))
    assert window(0.9999, steps) == pytest.approx(2010 / 9)
    assert lag == pytest.approx(window(0.9999, steps), rel=0.15)


def test_late_in_training_the_decay_is_the_one_that_was_set():
    assert window(0.99, 10**6) == pytest.approx(100)
    values = np.random.default_rng(0).normal(size=3000)
    expected = 0.0
    for value in values:
        expected = 0.99 * expected + 0.01 * value
    assert float(_average(0.99, values, 0.0)) == pytest.approx(expected, abs=1e-5)


def test_without_an_average_there_is_none():
    assert averaged(0.0, jnp.int32(3), None, jnp.zeros(2)) is None
