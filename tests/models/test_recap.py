"""The mapping losses of Recap: which faces are pulled and pushed, the margin and its medians."""

import dataclasses
from collections.abc import Callable
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from jaxfake import schema
from jaxfake.models.losses import Term
from jaxfake.models.margin_loss import EMPHASIS, FACTOR, FLOOR
from jaxfake.models.recap import Recap, RecapSettings
from jaxfake.runtime.tree_paths import path_name
from tests.study import (
    KEYS,
    RECOVER,
    Study,
    by_name,
    labelled_faces,
    means,
    random_autoencoder,
    studied,
    with_gradient,
)

MARGINS = RecapSettings("recap", "margin", emphasis=True, map_weight=0.5, dropout=0.2)


class Case(NamedTuple):
    """Recap made ready; all tests share its compiled study."""

    params: Any
    study: Callable[..., Study]


@pytest.fixture(scope="module")
def recap() -> Case:
    method = Recap(RECOVER, MARGINS)
    params = jax.jit(method.init)(jax.random.key(0), random_autoencoder())
    return Case(params, studied(method))


@pytest.fixture(scope="module")
def batch() -> schema.Batch:
    return labelled_faces()


def _with_margin(params: Any, real_distance: float, fake_error: float) -> Any:
    margin = {"real_distance": jnp.float32(real_distance), "fake_error": jnp.float32(fake_error)}
    return params | {"margin": margin}


def _distances(terms: dict[str, Term]) -> np.ndarray:
    """Of each face's mapping from its recovery, before the weight."""
    return np.asarray(terms["pull"].values) / MARGINS.map_weight


def _recovery_errors(recap: Case, batch: schema.Batch) -> np.ndarray:
    """Read off a median so small that all errors are above it."""
    params = _with_margin(recap.params, 0.0, -20.0)
    distance = recap.study(params, batch, KEYS).losses.total["fake_median"].values
    return np.exp(np.asarray(distance) - 20.0)


def test_recap_does_not_push_fakes_beyond_the_margin(recap: Case, batch: schema.Batch) -> None:
    study = recap.study(_with_margin(recap.params, -20.0, 0.0), batch, KEYS)
    terms = study.losses.total
    assert (_distances(terms) > FACTOR * FLOOR).all()
    assert not np.any(terms["push"].values)
    assert not with_gradient(study.gradients["push"])
    assert with_gradient(study.gradients["pull"])


def test_recap_pushes_fakes_up_to_a_multiple_of_the_median_real_distance(
    recap: Case, batch: schema.Batch
) -> None:
    far = recap.study(_with_margin(recap.params, np.log(10.0), 20.0), batch, KEYS)
    expected = MARGINS.map_weight * EMPHASIS[0] * (FACTOR * 10.0 - _distances(far.losses.total))
    np.testing.assert_allclose(far.losses.total["push"].values, expected, rtol=1e-4)
    pulled, pushed = (by_name(far.gradients[name]) for name in ("pull", "push"))
    bias = "mapping/decoder/pred/bias"
    assert np.any(pulled[bias])
    assert np.any(pushed[bias])


def test_the_margin_has_a_floor(recap: Case, batch: schema.Batch) -> None:
    blank = jax.tree_util.tree_map_with_path(
        lambda path, leaf: leaf * float("decoder/pred" not in path_name(path)), recap.params
    )  # both networks give the same grey, so that the distance is 0 and the push is the bound
    for typical, bound in ((FLOOR / 2, FACTOR * FLOOR), (FLOOR * 2, FACTOR * FLOOR * 2)):
        params = _with_margin(blank, np.log(typical), 20.0)
        push = recap.study(params, batch, KEYS).losses.total["push"].values
        np.testing.assert_allclose(push, MARGINS.map_weight * EMPHASIS[0] * bound, rtol=1e-5)


def test_recap_weights_fakes_by_their_recovery_error_within_bounds(
    recap: Case, batch: schema.Batch
) -> None:
    errors = _recovery_errors(recap, batch)
    for usual in (errors[1], errors.max() / 5, errors.min() / 100, errors.max() * 100):
        params = _with_margin(recap.params, np.log(10.0), np.log(usual))
        terms = recap.study(params, batch, KEYS).losses.total
        unweighted = MARGINS.map_weight * (FACTOR * 10.0 - _distances(terms))
        expected = np.clip(errors / usual, *EMPHASIS)
        np.testing.assert_allclose(terms["push"].values / unweighted, expected, rtol=1e-3)


@pytest.mark.parametrize(("median", "label"), [("real_distance", 0), ("fake_error", 1)])
def test_the_quantile_loss_is_smallest_at_the_median_of_its_class(
    recap: Case, batch: schema.Batch, median: str, label: int
) -> None:
    terms = recap.study(recap.params, batch, KEYS).losses.total
    values = _recovery_errors(recap, batch) if label else _distances(terms)
    low, middle, high = np.sort(np.log(values[batch[schema.LABEL] == label]))

    def loss(place: float) -> float:
        params = recap.params | {"margin": recap.params["margin"] | {median: jnp.float32(place)}}
        losses = recap.study(params, batch, KEYS).losses
        return float(means(losses)["fake_median" if label else "real_median"])

    assert loss(middle) < min(loss((low + middle) / 2), loss((middle + high) / 2))
    assert loss(middle) < min(loss(low), loss(high))


def test_medians_and_networks_have_separate_gradients(recap: Case, batch: schema.Batch) -> None:
    params = _with_margin(recap.params, np.log(10.0), 0.0)  # with push and pull at work
    gradients = recap.study(params, batch, KEYS).gradients
    assert with_gradient(gradients.pop("real_median")) == {"margin/real_distance"}
    assert with_gradient(gradients.pop("fake_median")) == {"margin/fake_error"}
    assert gradients.keys() == {"classification", "pull", "push"}
    for gradient in gradients.values():
        assert not with_gradient(gradient["margin"])


def test_the_ablations_drop_the_push_or_its_margin(recap: Case, batch: schema.Batch) -> None:
    def method(mapping: Any) -> Recap:
        return Recap(RECOVER, dataclasses.replace(MARGINS, mapping=mapping, emphasis=False))

    medians = {"classification", "real_median", "fake_median"}
    for mapping, terms in (("none", medians), ("real", medians | {"pull"})):
        losses = jax.eval_shape(method(mapping).losses, recap.params, batch, KEYS)
        assert losses.total.keys() == terms
    unbound = jax.jit(method("unbounded").losses)(recap.params, batch, KEYS).total
    np.testing.assert_array_equal(unbound["push"].values, -np.asarray(unbound["pull"].values))
