"""Localisation over faces: which faces count in which metric, and what empty masks do."""

import json
from pathlib import Path

import numpy as np
import pytest
from sklearn import metrics as oracle

from jaxfake import schema
from jaxfake.data.dataset import Index
from jaxfake.evaluation import localisation, trivial_maps
from jaxfake.evaluation.heat_accumulator import DETECTOR, HeatAccumulator
from jaxfake.evaluation.localisation_json import localisation_json
from jaxfake.evaluation.metrics.intervals import Bootstrap
from jaxfake.evaluation.metrics.undefined import Undefined
from jaxfake.evaluation.trivial_maps import trivial_maps as maps_of
from jaxfake.reporting.html import Report, write_report
from jaxfake.reporting.localisation_section import localisation_section, localisation_sentences

SIDE = 8
BOOTSTRAP = Bootstrap(50, 0)

KINDS = ("real", "eyes", "eyes", "lips", "lips", "lips")
"""Method of each face; the last two fakes have no mask, and an empty one."""


def faces(seed=0):
    """An index of six faces in six videos, their batch, and heats that lean towards the masks."""
    rng = np.random.default_rng(seed)
    method = np.array(KINDS)
    label = (method != "real").astype(np.int32)
    videos = np.array([f"{n}" for n in range(len(KINDS))])
    index = Index(label, method, np.full(6, "toys"), videos, videos, np.zeros(6, np.int32))
    masks = np.zeros((6, SIDE, SIDE), np.uint8)
    masks[1:3, 1:4, 2:6] = 255
    masks[3, 5:7, 2:6] = 255
    batch = {
        schema.ROW: np.arange(6, dtype=np.int32),
        schema.LABEL: label,
        schema.HAS_MASK: np.array([True, True, True, True, False, True]),
        schema.FORGERY_MASK: masks,
    }
    heats = (rng.random(masks.shape) * 0.7 + 0.3 * (masks > 0)).astype(np.float32)
    return index, batch, heats


def accumulated(threshold=0.5, mask=None):
    index, batch, heats = faces()
    heats_in = HeatAccumulator(index, maps_of(SIDE, mask), threshold)
    heats_in({name: value[:2] for name, value in batch.items()}, heats[:2])
    heats_in({name: value[2:] for name, value in batch.items()}, heats[2:])
    return localisation.measure(heats_in, BOOTSTRAP)


def test_every_metric_is_the_mean_of_scikit_learns_over_the_fakes_with_a_mask():
    _, batch, heats = faces()
    truth = [batch[schema.FORGERY_MASK][n].ravel() > 0 for n in (1, 2, 3)]
    heat = [heats[n].ravel() for n in (1, 2, 3)]
    rules = {
        "dice": lambda t, h: oracle.f1_score(t, h >= 0.5),
        "iou": lambda t, h: oracle.jaccard_score(t, h >= 0.5),
        "pbca": lambda t, h: oracle.accuracy_score(t, h >= 0.5),
        "pixel_auc": lambda t, h: oracle.roc_auc_score(t, h.astype(np.float16)),
    }
    ours = accumulated().overall.maps[DETECTOR]
    for name, rule in rules.items():
        each = [rule(t, h) for t, h in zip(truth, heat, strict=True)]
        assert ours.per_face[name].mean == pytest.approx(np.mean(each))
        assert ours.pooled[name] == pytest.approx(rule(np.concatenate(truth), np.concatenate(heat)))


def test_groups_and_the_faces_left_out_are_counted():
    result = accumulated()
    assert (result.overall.faces, result.overall.videos) == (3, 3)
    assert {name: group.faces for name, group in result.per_manipulation.items()} == {
        "eyes": 2,
        "lips": 1,
    }
    assert (result.without_mask, result.empty_mask, result.real_faces) == (1, 1, 1)


def test_a_real_face_has_the_area_that_is_predicted_and_no_dice():
    _, _, heats = faces()
    result = accumulated()
    assert result.reals[DETECTOR].area.mean == pytest.approx((heats[0] >= 0.5).mean())
    assert result.reals["everything"].area.mean == 1
    assert result.reals["nothing"].area.mean == result.reals["nothing"].share_of_faces == 0


def test_trivial_maps_are_measured_by_the_same_code():
    maps = accumulated().overall.maps
    share = np.array([12, 12, 8]) / SIDE**2
    assert maps["nothing"].per_face["dice"].mean == 0
    assert maps["nothing"].per_face["pbca"].mean == pytest.approx((1 - share).mean())
    assert maps["everything"].per_face["dice"].mean == pytest.approx(
        (2 * share / (1 + share)).mean()
    )
    assert maps["everything"].per_face["iou"].mean == pytest.approx(share.mean())
    for name in ("nothing", "everything"):
        assert maps[name].per_face["pixel_auc"].mean == 0.5
        assert maps[name].detector_dice_above.mean == pytest.approx(
            maps[DETECTOR].per_face["dice"].mean - maps[name].per_face["dice"].mean
        )
    assert localisation.best_trivial(accumulated().overall) == "everything"


def test_a_heat_without_a_threshold_has_a_pixel_auc_alone():
    result = accumulated(threshold=None)
    ours = result.overall.maps[DETECTOR]
    assert isinstance(ours.per_face["dice"].mean, Undefined)
    assert isinstance(ours.pooled["iou"], Undefined)
    assert isinstance(result.reals[DETECTOR].area.mean, Undefined)
    assert ours.per_face["pixel_auc"] == accumulated().overall.maps[DETECTOR].per_face["pixel_auc"]
    saved = localisation_json(result, "given")["maps"][DETECTOR]["mean_over_faces"]
    assert saved["dice"] is None
    assert "threshold" in str(saved["dice_reason"])


def test_no_heat_is_no_localisation():
    index, _, _ = faces()
    assert localisation.measure(HeatAccumulator(index, {}, None), BOOTSTRAP) is None
    assert localisation_json(None, "given") is None


def test_reals_alone_are_said_to_be_reals_alone():
    index, batch, heats = faces()
    heats_in = HeatAccumulator(index, maps_of(SIDE, None), 0.5)
    heats_in({name: value[:1] for name, value in batch.items()}, heats[:1])
    result = localisation.measure(heats_in, BOOTSTRAP)
    assert result.overall.faces == 0
    assert isinstance(result.overall.maps[DETECTOR].per_face["dice"].mean, Undefined)
    assert "No fake has a mask" in localisation_sentences(result)


@pytest.mark.parametrize("threshold", [0.5, None])
def test_files_and_report_carry_it(threshold, tmp_path):
    mask = (faces()[1][schema.FORGERY_MASK][1:4] > 0).mean(0)
    result = accumulated(threshold, np.rint(255 * mask).astype(np.uint8))
    saved = json.loads(json.dumps(localisation_json(result, "given"), allow_nan=False))
    assert list(saved["maps"]) == [
        DETECTOR, "nothing", "everything", "mean training mask", "central box"
    ]  # fmt: skip
    assert saved["per_method"]["lips"]["n_videos"] == 1
    section = localisation_section(result, "given", {})
    write_report(tmp_path / "page.html", Report("t", (), (), (), (section,)))
    page = (tmp_path / "page.html").read_text()
    assert "central box" in page
    assert localisation_sentences(result).split(".")[0] in page


def test_the_threshold_of_the_mean_mask_is_best_on_the_masks_it_is_made_of():
    rng = np.random.default_rng(1)
    masks = rng.random((40, SIDE, SIDE)) < np.linspace(0, 1, SIDE)
    mean = np.rint(255 * masks.mean(0)).astype(np.uint8)

    def pooled(threshold):
        predicted = np.broadcast_to(mean / 255 >= threshold, masks.shape)
        return oracle.f1_score(masks.ravel(), predicted.ravel())

    best = pooled(trivial_maps.best_threshold(mean))
    assert best == pytest.approx(max(pooled(t) for t in np.linspace(0.01, 1, 200)), abs=2e-3)


@pytest.mark.parametrize("share", [0.1, 0.33, 0.8])
def test_the_central_box_is_central_and_of_that_area(share):
    box = trivial_maps.central_box(64, share)
    assert box.mean() == pytest.approx(share, abs=0.05)
    np.testing.assert_array_equal(box, box[::-1, ::-1])


def test_the_training_mask_is_kept_and_found_again(tmp_path: Path):
    mask = np.arange(SIDE * SIDE, dtype=np.uint8).reshape(SIDE, SIDE)
    assert trivial_maps.load(tmp_path / "mask.png", SIDE) is None
    trivial_maps.save(tmp_path / "mask.png", mask)
    np.testing.assert_array_equal(trivial_maps.load(tmp_path / "mask.png", SIDE), mask)
    assert trivial_maps.load(tmp_path / "mask.png", 2 * SIDE) is None


def test_the_training_mask_is_the_mean_over_fakes_with_a_mask(make_dataset):
    dataset = make_dataset([("real", "a", 0, 1), ("eyes", "b", 1, 1), ("eyes", "c", 1, 1)])
    assert trivial_maps.training_mask(dataset) is None
    for row, columns in ((1, 8), (2, 4)):
        stored = dataset.source[row]
        stored[schema.HAS_MASK] = True
        stored[schema.FORGERY_MASK][:, :columns] = 255
    mask = trivial_maps.training_mask(dataset)
    assert (mask[0, 0], mask[0, 6], mask[0, 12]) == (255, 128, 0)
