"""Configs: typed, complete, and wrong ones named in one line."""

import json

import ml_collections
import pytest

from configs import deepfakemae, delocate, mover, pretrain, recap
from jaxfake import config
from jaxfake.runtime.errors import InputError

SHIPPED = {
    "mover": mover.get_config,
    "mover:mapping": lambda: mover.get_config("mapping"),
    "mover:scratch": lambda: mover.get_config("scratch"),
    "mover:mask_11": lambda: mover.get_config("mask_11"),
    "mover:ffpp": lambda: mover.get_config("ffpp"),
    "deepfakemae": deepfakemae.get_config,
    "recap": recap.get_config,
    "recap:unbounded": lambda: recap.get_config("unbounded"),
    "pretrain": pretrain.get_config,
    "pretrain:vit_s": lambda: pretrain.get_config("vit_s"),
    "pretrain:vit_b": lambda: pretrain.get_config("vit_b"),
}


@pytest.mark.parametrize("name", SHIPPED)
def test_every_shipped_config_is_complete(name: str) -> None:
    parsed = config.parse(SHIPPED[name]())
    assert config.parse(config.to_json(parsed)) == parsed


def _changed(key: str, value: object) -> ml_collections.ConfigDict:
    values = mover.get_config()
    *groups, last = key.split(".")
    group = values
    for name in groups:
        group = group[name]
    with group.unlocked(), group.ignore_type():
        group[last] = value
    return values


@pytest.mark.parametrize(
    ("key", "value", "message"),
    [
        ("recover.step", 5, "config.recover.step is not a known key; did you mean 'steps'"),
        ("recover.steps", 1.5, "config.recover.steps must be a whole number, not 1.5"),
        ("recover.steps", True, "config.recover.steps must be a whole number"),
        ("data", 3, "config.data must be a group of keys"),
        ("mask.mode", "parts", "config.mask.mode must be one of part, roi_any, random, crfr"),
        ("mask.count", 169, "mask.count must lie between 1 and 168"),
        ("model.patch", 7, "data.size 65 must be a multiple of model.patch 7"),
        ("model.encoder.heads", 5, r"a model width \(48\) must be a multiple of its heads \(5\)"),
        ("model.encoder.heads", 0, "heads of a model must be at least 1, not 0"),
        ("model.decoder.depth", -1, "heads of a model must be at least 1, not -1"),
        ("model.attend", "cudnn", "model.attend=cudnn works with model.dtype=bfloat16 only"),
        ("recover.device_batch", -1, r"recover\.device_batch must not be negative"),
        ("recover.steps", 0, "recover.steps must be at least 1"),
        ("detect.layer_decay", 0.0, r"detect.layer_decay must lie in \(0, 1\]"),
        ("detect", None, "detect and method belong together"),
        (
            "method",
            {"name": "muver"},
            "config.method.name must be one of deepfakemae, mover, recap, delocate",
        ),
        (
            "method.map_wait",
            1,
            "config.method.map_wait is not a known key.* did you mean 'map_weight'",
        ),
        ("recover.select_every", 5, "recover.select_every must be 0"),
        ("evaluation.aggregation", "mode", "must be one of mean, median, max, mean_logit"),
        ("evaluation.calibration_share", 1.0, r"calibration_share must lie in \[0, 1\)"),
        ("checkpoints.keep", 1, "checkpoints.keep must be at least 2"),
        ("data.forgeries", [("blend", 1.0, 1.0)], "data.forgeries.kind must be one of self_blend"),
        ("data.forgeries", [("twin", 1.0)], r"must hold \(kind, share, strength\), not"),
        ("data.forgeries", [("twin", 0.0, 1.0)], r"the share of each .* must lie in \(0, 1\]"),
        ("data.forgeries", [("twin", 1.0, 2.0)], r"the strength of each .* must lie in \(0, 1\]"),
        (
            "data.forgeries",
            [("twin", 0.6, 1.0), ("shallow", 0.6, 1.0)],
            "add up to 1.2: they are of all fakes, so to at most 1",
        ),
        ("data.forgeries", [("twin", 0.2, 1), ("twin", 0.2, 1)], "names a kind twice"),
        ("data.guards.self_blended", 1.5, r"data.guards.self_blended must lie in \[0, 1\]"),
        ("data.guards.prestine", True, "did you mean 'pristine'"),
    ],
)
def test_what_cannot_work_is_refused_by_name(key: str, value: object, message: str) -> None:
    with pytest.raises(InputError, match=message):
        config.parse(_changed(key, value))


@pytest.mark.parametrize(
    ("key", "value", "message"),
    [
        ("stages", (), "method.stages must be 1 to 8 whole numbers of at least 1"),
        ("stages", (1, 0), "method.stages must be 1 to 8 whole numbers of at least 1"),
        ("stages", (1,) * 9, "method.stages must be 1 to 8 whole numbers of at least 1"),
        ("stages", (1, 2.5), r"config.method.stages must be a whole number, not 2.5"),
        ("shrink", 4, "data.size 65 must be a multiple of method.shrink 4"),
        ("shrink", 0, "data.size 65 must be a multiple of method.shrink 0"),
    ],
)
def test_a_localiser_that_fits_no_face_is_refused(key: str, value: object, message: str) -> None:
    values = delocate.get_config()
    values.method[key] = value
    with pytest.raises(InputError, match=message):
        config.parse(values)


def test_the_default_stages_change_no_digest_and_others_do() -> None:
    values = delocate.get_config()
    plain = config.parse(values)
    assert "method.stages" not in config.results_values(plain)
    values.method.stages = (1, 2)
    other = config.parse(values)
    assert config.results_values(other)["method.stages"] == [1, 2]
    del values.method.stages
    assert config.parse(values) == plain


def test_a_missing_key_is_named() -> None:
    values = mover.get_config()
    with values.recover.unlocked():
        del values.recover["steps"]
    with pytest.raises(InputError, match=r"config\.recover\.steps is missing"):
        config.parse(values)


def test_a_whole_number_serves_as_a_number() -> None:
    parsed = config.parse(_changed("recover.learning_rate", 1))
    assert isinstance(parsed.recover.learning_rate, float)


def test_the_fingerprint_follows_results_and_nothing_else() -> None:
    plain = config.parse(mover.get_config())
    same = config.parse(_changed("data.threads", 9))
    other = config.parse(_changed("recover.weight_decay", 0.1))
    assert config.config_digest(plain) == config.config_digest(same)
    assert config.config_digest(plain) != config.config_digest(other)


def test_a_share_for_calibration_is_another_run_and_none_is_the_same() -> None:
    plain = config.parse(mover.get_config())
    held = config.parse(_changed("evaluation.calibration_share", 0.5))
    assert "evaluation.calibration_share" not in config.results_values(plain)
    assert config.results_values(held)["evaluation.calibration_share"] == 0.5
    values = _changed("evaluation.calibration_share", 0.5)
    values.detect.select_every = 0
    with pytest.raises(InputError, match="is for runs that select a state"):
        config.parse(values)


def test_forgeries_come_back_from_json_and_count_as_soon_as_there_are_any() -> None:
    plain = config.parse(mover.get_config())
    forged = config.parse(_changed("data.forgeries", [("self_blend", 0.5, 1), ("twin", 0.5, 1.0)]))
    assert forged.data.forgeries[1] == ("twin", 0.5, 1.0)
    assert config.parse(json.loads(json.dumps(config.to_json(forged)))) == forged
    assert config.config_digest(forged) != config.config_digest(plain)
    assert not {key for key in config.results_values(plain) if "forger" in key or "guard" in key}
    assert forged.data.only_forgeries
    assert not config.parse(_changed("data.forgeries", [("twin", 0.5, 1.0)])).data.only_forgeries


def test_forgeries_without_a_stage_that_sees_fakes_are_refused() -> None:
    values = pretrain.get_config()
    with values.data.ignore_type():
        values.data.forgeries = [("twin", 1.0, 1.0)]
    with pytest.raises(InputError, match="there is no detect stage"):
        config.parse(values)
