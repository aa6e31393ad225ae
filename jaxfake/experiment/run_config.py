"""`config.json`: what a folder, or a store, says of the run in it, and whether it is this one."""

import json
from pathlib import Path
from typing import Any

from jaxfake.checkpoints.run_identity import RunIdentity
from jaxfake.config import Config, config_digest, parse, results_values, to_json
from jaxfake.experiment.run_folder import RunFolder
from jaxfake.runtime.errors import InputError
from jaxfake.runtime.files import read_json, write_atomically

MOST_BYTES = 1 << 20
"""The most of a `config.json`; ours have some 5,000."""


def run_identity(config: Config) -> RunIdentity:
    """What tells this run from others, as far as its config says so."""
    return RunIdentity(config=config_digest(config))


def identity_in(config_json: bytes) -> RunIdentity:
    """Which run a `config.json` belongs to; no run has the digest '' of one that cannot be read."""
    try:
        return RunIdentity(config=str(json.loads(config_json)["sha256"]))
    except (ValueError, KeyError, TypeError, RecursionError):
        return RunIdentity(config="")


def read_config(path: Path) -> Config:
    """The config that a `config.json` holds.

    Raises:
        InputError: it is not there, damaged, or was made by a version with other keys.
    """
    try:
        values = read_json(path, MOST_BYTES)["config"]
    except FileNotFoundError:
        raise InputError(f"{path.parent} does not hold a run: it has no {path.name}") from None
    except (KeyError, TypeError) as error:
        raise InputError(f"{path} is damaged: it has no config") from error
    try:
        return parse(values)
    except InputError as error:
        raise InputError(f"{path} is damaged, or of another version: {error}") from error


def claim(run: Config, folder: RunFolder) -> None:
    """Makes the folder this run's: checks whose it is, and writes `config.json` unless it is done.

    Raises:
        InputError: the folder holds another run; the message names the first value that differs.
    """
    if folder.config.exists():
        saved = json.loads(folder.config.read_text())
        _refuse_another(saved["results_depend_on"], results_values(run), folder.path)
        if folder.done.exists():
            # A run in progress may find its data elsewhere, since its checkpoints know their content.
            source = {"data.source": saved["config"]["data"]["source"]}
            _refuse_another(source, {"data.source": run.data.source}, folder.path)
            return
    folder.path.mkdir(parents=True, exist_ok=True)
    content = {
        "sha256": config_digest(run),
        "results_depend_on": results_values(run),
        "config": to_json(run),
    }
    write_atomically(folder.config, json.dumps(content, indent=2) + "\n")


def _refuse_another(saved: dict[str, Any], now: dict[str, Any], folder: Path) -> None:
    for key in sorted(saved.keys() | now.keys()):
        if saved.get(key) != now.get(key):
            raise InputError(
                f"{folder} holds a run with {key}={saved.get(key)}, not {now.get(key)}: "
                "use that value or another --workdir"
            )
