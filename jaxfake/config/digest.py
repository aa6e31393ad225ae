"""By which values two configs are the same run."""

import dataclasses
import hashlib
import json
from collections.abc import Mapping
from typing import Any, cast

from jaxfake.config.settings import Config, Data, Evaluation


def to_json(config: Config) -> dict[str, Any]:
    """The config as plain values, in the order of its fields."""
    return dataclasses.asdict(config)


_OPERATIONAL = (
    "data.source",  # may lie elsewhere on another machine; checkpoints know its digest
    "data.root",
    "data.threads",
    "data.workers",
    "data.memory_mb",
    "log_every",
    "memory",
    "checkpoints",
    "recover.device_batch",
    "detect.device_batch",
    "model.attend",
    "earlier",
)
"""Keys that change how a run goes, and not what comes out but for rounding; they may differ between
two tries, as the devices may."""


_LENGTHENED = ".lengthened_at"


def results_values(config: Config) -> dict[str, Any]:
    """Every value that the results depend on, by its dotted key.

    A key that has a default counts only where it differs from that, so that a key that is added to the
    config, to its data, to its evaluation or to its method later changes no digest of an earlier run.
    """
    groups = {"": Config, "data.": Data, "evaluation.": Evaluation}
    if config.method is not None:
        groups["method."] = type(config.method)
    defaults: dict[str, Any] = {}
    for prefix, kind in groups.items():
        defaults |= _plain_values(_defaults(kind, prefix))
    return {
        key: value
        for key, value in dotted(_plain_values(to_json(config)), "").items()
        if not key.startswith(_OPERATIONAL)
        and (value or not key.endswith(_LENGTHENED))
        and value != defaults.get(key, dataclasses.MISSING)
    }


def _defaults(kind: Any, prefix: str) -> dict[str, Any]:
    """The values of a dataclass that need not be given, by their dotted keys."""
    given = {field.name: field.default for field in dataclasses.fields(kind)}
    defaults = {key: value for key, value in given.items() if value is not dataclasses.MISSING}
    groups = {key: value for key, value in defaults.items() if dataclasses.is_dataclass(value)}
    plain = {key: dataclasses.asdict(cast("Any", value)) for key, value in groups.items()}
    return dotted(defaults | plain, prefix)


def _plain_values(values: dict[str, Any]) -> dict[str, Any]:
    """As JSON has them: tuples are lists."""
    plain: dict[str, Any] = json.loads(json.dumps(values))
    return plain


def config_digest(config: Config) -> str:
    """sha256 of `results_values`, by which checkpoints and results name the config."""
    return values_digest(results_values(config))


def values_digest(values: Mapping[str, Any]) -> str:
    """sha256 of such values."""
    return hashlib.sha256(json.dumps(values, sort_keys=True).encode()).hexdigest()


def without_lengthening(values: Mapping[str, Any]) -> dict[str, Any]:
    """What a command says of a run: what its folder knows of earlier lengths is left out."""
    return {key: value for key, value in values.items() if not key.endswith(_LENGTHENED)}


def dotted(values: dict[str, Any], prefix: str) -> dict[str, Any]:
    """Nested values by their dotted keys, after the prefix."""
    flat: dict[str, Any] = {}
    for key, value in values.items():
        nested = isinstance(value, dict)
        flat |= dotted(value, f"{prefix}{key}.") if nested else {f"{prefix}{key}": value}
    return flat
