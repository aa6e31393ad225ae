"""A measured localisation as metrics.json has it. What is undefined is null, with its reason."""

from collections.abc import Mapping
from typing import Any

from jaxfake.evaluation.localisation import FalseArea, Group, Localisation, MapQuality, Spread
from jaxfake.evaluation.metrics.auc import Undefined
from jaxfake.evaluation.result_files import json_fields

_RULES = {
    "scale": "of the crop; heats of fewer places are enlarged linearly",
    "faces": "fakes whose mask is not empty; a face with an empty mask has no Dice or IoU",
    "pbca": "pixel-wise binary classification accuracy",
    "pixel_auc": "heats in half precision, ties count one half",
    "false_positive_area": "share of the pixels of a real face that is called touched",
    "interval": "95 %, percentile bootstrap, videos resampled",
}


def localisation_json(result: Localisation | None, ground_truth: str) -> dict[str, Any] | None:
    """The whole of it; null for a method without a heat.

    Args:
        ground_truth: where the masks come from, in words.
    """
    if result is None:
        return None
    return {
        "ground_truth": ground_truth,
        "rules": _RULES,
        "threshold": result.threshold,
        "n_without_mask": result.without_mask,
        "n_empty_mask": result.empty_mask,
        **_group(result.overall),
        "per_method": {name: _group(group) for name, group in result.per_method.items()},
        "reals": {
            "n_faces": result.real_faces,
            "maps": {name: _false_area(one) for name, one in result.reals.items()},
        },
    }


def _group(group: Group) -> dict[str, Any]:
    maps = {name: _quality(quality) for name, quality in group.maps.items()}
    return {"n_faces": group.faces, "n_videos": group.videos, "maps": maps}


def _quality(quality: MapQuality) -> dict[str, Any]:
    return {
        "mean_over_faces": _fields(quality.by_face),
        "pooled": _numbers(quality.pooled),
        **_spread("detector_dice_above", quality.behind),
    }


def _false_area(one: FalseArea) -> dict[str, Any]:
    return _spread("area", one.area) | json_fields("share_of_faces", one.faces_touched)


def _fields(spreads: Mapping[str, Spread]) -> dict[str, Any]:
    return {key: v for name, one in spreads.items() for key, v in _spread(name, one).items()}


def _numbers(values: Mapping[str, float | Undefined]) -> dict[str, Any]:
    return {key: v for name, value in values.items() for key, v in json_fields(name, value).items()}


def _spread(name: str, spread: Spread) -> dict[str, Any]:
    return json_fields(name, spread.mean) | json_fields(f"{name}_ci95", spread.ci95)
