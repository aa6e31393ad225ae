"""From a ConfigDict, which people override at the command line, to frozen dataclasses.

Everything past `parse` works with these types alone. An unknown key is an error that names the nearest
known one; a missing key is an error too, so a config file shows every value that a run uses.
"""

from jaxfake.config.digest import (
    config_digest,
    results_values,
    to_json,
    values_digest,
    without_lengthening,
)
from jaxfake.config.parsing import parse
from jaxfake.config.settings import (
    SHARE_ROUNDING,
    Aggregation,
    Checkpoints,
    Config,
    Data,
    Evaluation,
    MethodSettings,
    Model,
    Stage,
)

__all__ = [
    "SHARE_ROUNDING",
    "Aggregation",
    "Checkpoints",
    "Config",
    "Data",
    "Evaluation",
    "MethodSettings",
    "Model",
    "Stage",
    "config_digest",
    "parse",
    "results_values",
    "to_json",
    "values_digest",
    "without_lengthening",
]
