"""`config.json`: what a folder, or a store, says of the run in it, and whether it is this one."""

import dataclasses
import json
from pathlib import Path
from typing import Any

from jaxfake.checkpoints.checksummed_json import MOST_BYTES
from jaxfake.checkpoints.run_identity import RunIdentity
from jaxfake.config import (
    Config,
    config_digest,
    parse,
    results_values,
    to_json,
    values_digest,
    without_lengthening,
)
from jaxfake.experiment.run_folder import RunFolder
from jaxfake.runtime.errors import InputError
from jaxfake.runtime.files import read_json, set_aside, write_atomically
from jaxfake.runtime.progress import say

_FILE_DIGEST = "file_sha256"


def run_identity(config: Config) -> RunIdentity:
    """What tells this run from others, as far as its config says so."""
    return RunIdentity(config=config_digest(config), earlier_configs=config.earlier)


def command_identity(config: Config) -> RunIdentity:
    """The same as far as a command says it, which does not know how often the run was lengthened."""
    return RunIdentity(config=values_digest(without_lengthening(results_values(config))))


def identity_in(config_json: bytes) -> RunIdentity:
    """Which command's run a `config.json` is of; no run has the digest '' of one that cannot be read."""
    try:
        saved = json.loads(config_json)
        values = saved.get("results_depend_on", {})
        said = without_lengthening(values)
        return RunIdentity(config=str(saved["sha256"]) if said == values else values_digest(said))
    except (ValueError, KeyError, TypeError, AttributeError, RecursionError):
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


@dataclasses.dataclass(frozen=True)
class SavedConfig:
    """What a folder says of its run.

    Attributes:
        values: that the results depend on.
        source: of the data.
        earlier: see `Config`.
    """

    values: dict[str, Any]
    source: str
    earlier: tuple[str, ...]

    @property
    def digest(self) -> str:
        """As `config_digest`."""
        return values_digest(self.values)


def saved_config(folder: RunFolder) -> SavedConfig | None:
    """What `config.json` says; None if it is not there, or damaged."""
    try:
        saved = _read(folder.config)
    except (OSError, ValueError):
        return None
    return SavedConfig(
        saved["results_depend_on"],
        str(saved["config"]["data"]["source"]),
        tuple(saved["config"].get("earlier", ())),
    )


def of_training(config: Config) -> SavedConfig:
    """The same for a config that a checkpoint was saved with."""
    return SavedConfig(results_values(config), config.data.source, config.earlier)


def set_damaged_aside(folder: RunFolder) -> None:
    """Gives a damaged `config.json` another name, so that it is made, or fetched, again."""
    try:
        _read(folder.config)
    except FileNotFoundError:
        return
    except (OSError, ValueError) as error:
        aside = set_aside(folder.config)
        say(f"{folder.config} is damaged ({error}): it is now {aside.name}, and is made again")


def write_config(run: Config, folder: RunFolder) -> None:
    """Makes the folder this run's."""
    content = {
        "sha256": config_digest(run),
        "results_depend_on": results_values(run),
        "config": to_json(run),
    }
    content[_FILE_DIGEST] = values_digest(content)
    folder.path.mkdir(parents=True, exist_ok=True)
    write_atomically(folder.config, json.dumps(content, indent=2) + "\n")


def refuse_another(saved: dict[str, Any], now: dict[str, Any], folder: Path) -> None:
    """Raises InputError that names the first value in which two runs differ."""
    for key in sorted(saved.keys() | now.keys()):
        if saved.get(key) != now.get(key):
            raise InputError(
                f"{folder} holds a run with {key}={saved.get(key)}, not {now.get(key)}: "
                "use that value or another --workdir"
            )


def _read(path: Path) -> dict[str, Any]:
    """The content of a `config.json`.

    Raises:
        OSError: it cannot be read.
        ValueError: it is not what was written.
    """
    if path.exists() and not path.is_file():
        raise ValueError("it is not a file")
    with path.open("rb") as file:
        data = file.read(MOST_BYTES + 1)
    if len(data) > MOST_BYTES:
        raise ValueError(f"it is larger than {MOST_BYTES} bytes")
    try:
        saved: dict[str, Any] = json.loads(data)
        digest = saved.pop(_FILE_DIGEST, None)  # earlier versions had none
        whole = saved.keys() == {"sha256", "results_depend_on", "config"}
        whole = whole and saved["sha256"] == values_digest(saved["results_depend_on"])
        whole = whole and digest in (None, values_digest(saved))
        whole = whole and isinstance(saved["config"]["data"]["source"], str)
    except (ValueError, KeyError, TypeError, AttributeError, RecursionError) as error:
        raise ValueError(f"it is not what was written: {str(error)[:80]}") from error
    if not whole:
        raise ValueError("it is not what was written")
    return saved
