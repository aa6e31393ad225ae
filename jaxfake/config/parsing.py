"""Reads a config, whoever wrote it."""

import dataclasses
from collections.abc import Mapping
from typing import Any

from jaxfake.config.checks import check
from jaxfake.config.settings import Config
from jaxfake.runtime.files import expand_home
from jaxfake.runtime.typed_values import build


def parse(values: Mapping[str, Any]) -> Config:
    """The config as typed values.

    Raises:
        InputError: a key is unknown or missing, or a value has the wrong type or cannot work.
    """
    config = _with_home(build(Config, values, "config"))
    check(config)
    return config


def _with_home(config: Config) -> Config:
    """With `~` expanded in every path."""
    source, root = expand_home(config.data.source), expand_home(config.data.root)
    data = dataclasses.replace(config.data, source=source, root=root)
    finetuned = config.finetuned
    if finetuned is not None:
        finetuned = dataclasses.replace(finetuned, weights=expand_home(finetuned.weights))
    start = expand_home(config.start)
    return dataclasses.replace(config, data=data, start=start, finetuned=finetuned)
