import numpy as np
import pytest

from jaxfake.evaluation.metrics.holm import holm


def _rejected(p_values, level):
    """Holm's procedure as the paper tells it: step down, and stop at the first that is not small enough."""
    remaining, rejected = dict(enumerate(p_values)), set()
    while remaining:
        smallest = min(remaining, key=remaining.get)
        if remaining[smallest] > level / len(remaining):
            break
        rejected.add(smallest)
        del remaining[smallest]
    return rejected


@pytest.mark.parametrize("seed", range(5))
def test_a_corrected_value_is_small_where_the_procedure_rejects(seed):
    p_values = np.random.default_rng(seed).uniform(0, 0.2, 7) ** 2
    corrected = holm(p_values)
    for level in np.random.default_rng(seed).uniform(0, 1, 50):
        assert {n for n, p in enumerate(corrected) if p <= level} == _rejected(p_values, level)


def test_the_order_stays_and_nothing_is_above_one():
    assert holm([0.04, 0.01, 0.9]) == pytest.approx([0.08, 0.03, 0.9])
    assert holm([0.6, 0.7]) == [1.0, 1.0]
    assert holm([]) == []
