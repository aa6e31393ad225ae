"""Stage 2: what the detectors start from, what they use and what they learn from."""

import dataclasses
from collections.abc import Callable
from functools import partial
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from jaxfake import schema
from jaxfake.models import vit
from jaxfake.models.deepfakemae import DeepfakeMAE, DeepfakeMAESettings
from jaxfake.models.delocate import Delocate, DelocateSettings
from jaxfake.models.heads import pool_where
from jaxfake.models.method import Prediction
from jaxfake.models.mover import Mover, MoverSettings
from jaxfake.models.recap import Recap, RecapSettings
from jaxfake.models.recover import Recover
from jaxfake.models.vit import Compute
from tests.study import (
    BATCH,
    KEYS,
    NO_META,
    OTHER_KEYS,
    PATCH,
    RECOVER,
    SIDE,
    Study,
    by_name,
    labelled_faces,
    means,
    random_autoencoder,
    studied,
    unlabelled_faces,
    with_gradient,
)

FINETUNED = MoverSettings("mover", "finetuned", map_weight=0.5, dropout=0.2, drop_path=0.2)
METHODS = {
    "mover": Mover(RECOVER, dataclasses.replace(FINETUNED, networks="both")),
    "mover_finetuned": Mover(RECOVER, FINETUNED),
    "mover_mapping": Mover(RECOVER, dataclasses.replace(FINETUNED, networks="mapping")),
    "deepfakemae": DeepfakeMAE(
        RECOVER, DeepfakeMAESettings("deepfakemae", "trained", 0.5, 0.2, 0.2)
    ),
    "deepfakemae_frozen": DeepfakeMAE(
        RECOVER, DeepfakeMAESettings("deepfakemae", "frozen", 0.5, 0.2, 0.2)
    ),
    "recap": Recap(RECOVER, RecapSettings("recap", "margin", True, 0.5, 0.2)),
    "delocate": Delocate(
        RECOVER,
        DelocateSettings("delocate", 2, 4, 4, 0.5, 0.2, NO_META, stages=(1,)),
    ),
}
COPIES = {
    "mover": {"finetuned": "encoder", "mapping": ""},
    "mover_finetuned": {"finetuned": "encoder"},
    "mover_mapping": {"mapping": ""},
    "deepfakemae": {
        "finetuned": "encoder",
        "frozen/encoder": "encoder",
        "decoding/decoder": "decoder",
    },
    "deepfakemae_frozen": {"finetuned": "encoder", "frozen": ""},
    "recap": {"frozen": "", "mapping": ""},
    "delocate": {"frozen": "", "mapping": ""},
}
"""Which part of the autoencoder ('' for all of it) each network starts as."""
NOT_COMPILED = ("mover_mapping", "deepfakemae_frozen")
"""Their networks are compiled as parts of `mover` and `deepfakemae`, which differ in what they join."""
REAL_ONLY = ("mapping", "recovery", "pull", "real_median")
FAKE_ONLY = ("push", "fake_median", "dice")


@dataclasses.dataclass(frozen=True)
class Case:
    """A method made ready; all tests share its compiled functions."""

    name: str
    params: Any
    study: Callable[..., Study]
    predict: Callable[..., Prediction]


@pytest.fixture(scope="module")
def autoencoder() -> Any:
    return random_autoencoder()


@pytest.fixture(scope="module")
def made(autoencoder: Any) -> Callable[[str], Case]:
    cases: dict[str, Case] = {}

    def make(name: str) -> Case:
        if name not in cases:
            method = METHODS[name]
            params = jax.jit(method.init)(jax.random.key(0), autoencoder)
            cases[name] = Case(name, params, studied(method), jax.jit(method.predict))
        return cases[name]

    return make


@pytest.fixture(params=METHODS, scope="module")
def case(request: pytest.FixtureRequest, made: Callable[[str], Case]) -> Case:
    return made(request.param)


@pytest.fixture(params=[name for name in METHODS if name not in NOT_COMPILED], scope="module")
def compiled(request: pytest.FixtureRequest, made: Callable[[str], Case]) -> Case:
    return made(request.param)


@pytest.fixture(scope="module")
def faces() -> schema.Batch:
    return unlabelled_faces()


@pytest.fixture(scope="module")
def batch() -> schema.Batch:
    return labelled_faces()


def _rows(tree: Any, which: Any) -> Any:
    return jax.tree.map(lambda leaf: np.asarray(leaf)[which], tree)


def _one_class(batch: schema.Batch, label: int) -> schema.Batch:
    return batch | {schema.LABEL: np.full(BATCH, label, np.int32)}


def test_training_starts_from_the_given_autoencoder(case: Case, autoencoder: Any) -> None:
    params, given = by_name(case.params), by_name(autoencoder)
    copied = set()
    for to, source in COPIES[case.name].items():
        for name, leaf in given.items():
            if name.startswith(source):
                target = f"{to}/{name.removeprefix(source).lstrip('/')}"
                np.testing.assert_array_equal(params[target], leaf)
                copied.add(target)
    fresh = {name.split("/")[0] for name in params.keys() - copied}
    assert fresh <= {"head", "margin", "localising"}


def test_from_scratch_the_parameters_have_the_same_shapes(case: Case) -> None:
    method = METHODS[case.name]
    scratch = jax.eval_shape(lambda: method.init(jax.random.key(0), None))
    given = jax.tree.map(lambda leaf: jax.ShapeDtypeStruct(leaf.shape, leaf.dtype), case.params)
    assert by_name(scratch) == by_name(given)


def test_a_prediction_is_a_probability_and_says_where_it_looked(
    compiled: Case, faces: schema.Batch
) -> None:
    prediction = compiled.predict(
        compiled.params, faces, KEYS
    )  # without a label there is none to read
    score = np.asarray(prediction.score)
    assert score.shape == (BATCH,)
    assert ((score > 0) & (score < 1)).all()
    if compiled.name == "mover_finetuned":
        assert prediction[1:4] == (None, None, None)
        return
    hidden = np.asarray(prediction.hidden)
    if METHODS[compiled.name].heat_threshold is None:  # an error, of what was hidden alone
        np.testing.assert_array_equal(np.asarray(prediction.heat) > 0, hidden)
    else:
        heat = np.asarray(prediction.heat)
        assert heat.shape == (BATCH, SIDE, SIDE)
        assert ((heat > 0) & (heat < 1)).all()
    pixels = hidden.repeat(PATCH, 1).repeat(PATCH, 2)
    given = np.asarray(faces[schema.IMAGE], np.float32) / 127.5 - 1
    same = np.isclose(np.asarray(prediction.recovered), given, atol=1e-5).all(-1)
    assert same[~pixels].all()
    assert same[pixels].mean() < 0.1


def test_a_prediction_replays_from_its_keys(compiled: Case, faces: schema.Batch) -> None:
    first, again, other = (
        np.asarray(compiled.predict(compiled.params, faces, keys).score)
        for keys in (KEYS, KEYS, OTHER_KEYS)
    )
    np.testing.assert_array_equal(first, again)
    masks_nothing = compiled.name == "mover_finetuned"
    assert np.array_equal(first, other) == masks_nothing


def test_a_face_does_not_know_its_neighbours(compiled: Case, faces: schema.Batch) -> None:
    alone = compiled.predict(compiled.params, faces, KEYS)
    order = np.array([2, 0, 5, 3, 1, 4])
    turned = compiled.predict(compiled.params, _rows(faces, order), KEYS[order])
    jax.tree.map(
        partial(np.testing.assert_allclose, rtol=1e-4, atol=1e-5), _rows(alone, order), turned
    )
    others = dict(faces)
    others[schema.IMAGE] = np.where(
        np.arange(BATCH)[:, None, None, None] < 2, faces[schema.IMAGE], 255 - faces[schema.IMAGE]
    )
    beside = compiled.predict(compiled.params, others, KEYS)
    jax.tree.map(
        partial(np.testing.assert_allclose, rtol=1e-4, atol=1e-5),
        _rows(alone, slice(2)),
        _rows(beside, slice(2)),
    )
    assert not np.allclose(alone.score[2:], beside.score[2:], rtol=1e-4)


def test_losses_of_one_class_or_of_nothing_are_finite(compiled: Case, batch: schema.Batch) -> None:
    empty = batch | {schema.VALID: np.zeros(BATCH, np.bool_)}
    for some in (_one_class(batch, schema.REAL), _one_class(batch, schema.FAKE), empty):
        study = compiled.study(compiled.params, some, KEYS)
        for leaf in jax.tree.leaves((means(study.losses), study.gradients)):
            assert np.isfinite(leaf).all()
    assert all(value == 0 for value in means(study.losses).values())


def test_padding_has_no_influence(compiled: Case, batch: schema.Batch) -> None:
    valid = np.arange(BATCH) < 3
    padded = batch | {schema.VALID: valid}
    garbage = padded | {
        schema.IMAGE: np.where(valid[:, None, None, None], batch[schema.IMAGE], 255),
        schema.LABEL: np.where(valid, batch[schema.LABEL], schema.FAKE),
    }
    one, other = (compiled.study(compiled.params, some, KEYS) for some in (padded, garbage))
    jax.tree.map(np.testing.assert_array_equal, means(one.losses), means(other.losses))
    jax.tree.map(np.testing.assert_array_equal, one.gradients, other.gradients)


def test_terms_of_a_class_leave_the_other_out(compiled: Case, batch: schema.Batch) -> None:
    valid = np.arange(BATCH) < 4
    losses = compiled.study(compiled.params, batch | {schema.VALID: valid}, KEYS).losses
    real, fake = (valid & (batch[schema.LABEL] == label) for label in (schema.REAL, schema.FAKE))
    for name, term in losses.total.items():
        counted = real if name in REAL_ONLY else fake if name in FAKE_ONLY else valid
        np.testing.assert_array_equal(term.weight, counted.astype(np.float32))
    assert (len(losses.total) > 1) == (compiled.name != "mover_finetuned")


def test_all_parameters_but_the_frozen_have_a_gradient(compiled: Case, batch: schema.Batch) -> None:
    study = compiled.study(compiled.params, batch, KEYS)
    moved = set().union(*(with_gradient(gradient) for gradient in study.gradients.values()))
    still = {name for name in by_name(compiled.params) if name.startswith("frozen/")}
    if compiled.name in ("recap", "delocate"):  # their mapping network sees all of a face
        still.add("mapping/decoder/mask_token")
    assert moved == by_name(compiled.params).keys() - still


def test_training_and_prediction_have_the_same_logits_but_for_dropout(
    made: Callable[[str], Case], batch: schema.Batch, faces: schema.Batch
) -> None:
    case = made("mover_finetuned")
    certain = Mover(RECOVER, dataclasses.replace(FINETUNED, dropout=0.0, drop_path=0.0))
    losses = jax.jit(certain.losses)
    score = np.asarray(case.predict(case.params, faces, KEYS).score)
    fake = batch[schema.LABEL] == schema.FAKE
    expected = -np.log(np.where(fake, score, 1 - score))
    for keys in (KEYS, OTHER_KEYS):
        got = losses(case.params, batch, keys)
        np.testing.assert_allclose(got.total["classification"].values, expected, rtol=1e-4)
        np.testing.assert_array_equal(got.metrics["accuracy"].values, (score > 0.5) == fake)
        dropped = case.study(case.params, batch, keys).losses.total["classification"].values
        assert not np.isclose(dropped, expected, rtol=1e-3).any()


def test_half_precision_keeps_losses_in_float32(case: Case, batch: schema.Batch) -> None:
    mae = dataclasses.replace(RECOVER.mae, compute=Compute("bfloat16"), parent=None)
    half = dataclasses.replace(METHODS[case.name], recover=Recover(mae, RECOVER.mask))
    losses = jax.eval_shape(half.losses, case.params, batch, KEYS)
    assert {leaf.dtype for leaf in jax.tree.leaves((case.params, losses))} == {jnp.dtype("float32")}


def test_dropped_branches_are_made_up_for_by_the_others() -> None:
    assert vit.drop_path(KEYS, 3, 0.0) is None
    survival = np.asarray(vit.drop_path(jax.random.split(jax.random.key(0), 4000), 3, 0.5))
    assert survival.shape == (3, 4000, 2)
    assert (survival[0] == 1).all()
    for block, chance in ((1, 0.75), (2, 0.5)):
        np.testing.assert_allclose(np.unique(survival[block]), [0, 1 / chance], rtol=1e-6)
        assert (survival[block] > 0).mean() == pytest.approx(chance, abs=0.03)
    assert np.corrcoef(survival[2].T)[0, 1] == pytest.approx(0, abs=0.05)


def test_a_block_without_its_branches_is_the_identity() -> None:
    tokens = jax.random.normal(jax.random.key(0), (2, 3, 8))
    block = vit.Block(2, Compute())
    params = jax.jit(block.init)(jax.random.key(1), tokens)
    whole, _ = jax.jit(block.apply)(params, tokens)
    some, _ = jax.jit(block.apply)(params, tokens, jnp.asarray([[0.0, 0.0], [1.0, 1.0]]))
    np.testing.assert_array_equal(some[0], tokens[0])
    np.testing.assert_array_equal(some[1], whole[1])
    assert not np.allclose(whole[0], tokens[0])


def test_the_mean_is_over_the_chosen_patches() -> None:
    features = jnp.asarray([[[1.0], [3.0], [8.0]], [[2.0], [5.0], [7.0]]])
    chosen = jnp.asarray([[True, True, False], [False, False, True]])
    np.testing.assert_allclose(pool_where(features, chosen), [[2.0], [7.0]])
