"""The metrics of localisation as metrics.json has them; an undefined one is null, with its reason."""

from collections.abc import Mapping
from typing import Any

from jaxfake.evaluation.localisation import (
    FaceMean,
    FakesResult,
    FalsePositiveArea,
    LocalisationResult,
    MapMetrics,
)
from jaxfake.evaluation.metrics.undefined import Undefined
from jaxfake.evaluation.result_files import json_fields

_RULES = {
    "scale": "of the crop; coarser heat maps are enlarged linearly",
    "faces": "fakes with a mask that is not empty; Dice and IoU are undefined for an empty mask",
    "pbca": "pixel-wise binary classification accuracy",
    "pixel_auc": "heat in half precision, ties count one half",
    "false_positive_area": "share of the pixels of a real face that is predicted to be manipulated",
    "interval": "95 %, percentile bootstrap, videos resampled",
}


def localisation_json(
    result: LocalisationResult | None, ground_truth: str
) -> dict[str, Any] | None:
    """All metrics; None, hence null, for a method without a heat map.

    Args:
        ground_truth: where the masks come from, as text.
    """
    if result is None:
        return None
    return {
        "ground_truth": ground_truth,
        "rules": _RULES,
        "threshold": result.threshold,
        "n_without_mask": result.without_mask,
        "n_empty_mask": result.empty_mask,
        **_fakes(result.overall),
        "per_method": {name: _fakes(one) for name, one in result.per_manipulation.items()},
        "reals": {
            "n_faces": result.real_faces,
            "maps": {name: _area(one) for name, one in result.reals.items()},
        },
    }


def _fakes(fakes: FakesResult) -> dict[str, Any]:
    maps = {name: _map(metrics) for name, metrics in fakes.maps.items()}
    return {"n_faces": fakes.faces, "n_videos": fakes.videos, "maps": maps}


def _map(metrics: MapMetrics) -> dict[str, Any]:
    return {
        "mean_over_faces": _means(metrics.per_face),
        "pooled": _numbers(metrics.pooled),
        **_mean("detector_dice_above", metrics.detector_dice_above),
    }


def _area(one: FalsePositiveArea) -> dict[str, Any]:
    return _mean("area", one.area) | json_fields("share_of_faces", one.share_of_faces)


def _means(means: Mapping[str, FaceMean]) -> dict[str, Any]:
    return {key: v for name, one in means.items() for key, v in _mean(name, one).items()}


def _numbers(values: Mapping[str, float | Undefined]) -> dict[str, Any]:
    return {key: v for name, value in values.items() for key, v in json_fields(name, value).items()}


def _mean(name: str, value: FaceMean) -> dict[str, Any]:
    return json_fields(name, value.mean) | json_fields(f"{name}_ci95", value.ci95)
