"""What a store says of itself, believed as far as it can be checked: whose run it holds, what is whole."""

import json

from jaxfake.runtime.errors import InputError
from jaxfake.store import layout
from jaxfake.store.layout import Contents, Step
from jaxfake.store.remote import Remote


def check_config(remote: Remote, names: dict[str, int], config_sha256: str) -> None:
    """Raises InputError if the store holds a run of another config."""
    size = names.get(layout.CONFIG)
    if size is None:
        return
    there = config_of(remote.read(layout.CONFIG, min(size, layout.MOST_MARKER_BYTES)))
    if there != config_sha256:
        raise InputError(
            f"{remote.url} holds another run, of config {there[:12] or 'unknown'}, where this is "
            f"{config_sha256[:12]}: use that config or another --store"
        )


def config_of(config_json: bytes) -> str:
    """The sha256 of the config of a run; '' if this is the config.json of none."""
    try:
        return str(json.loads(config_json)["sha256"])
    except (ValueError, KeyError, TypeError, RecursionError):
        return ""


def read_marker(remote: Remote, step: Step, names: dict[str, int]) -> Contents | None:
    """What a marker says; None if it is damaged, or more than `names` are there to fulfil it."""
    size = names[step.marker]
    if size > layout.MOST_MARKER_BYTES:
        return None
    try:
        files = layout.from_json(remote.read(step.marker, size))
    except ValueError:
        return None
    sizes = {name: names.get(f"{step.name}/{name}") for name in files}
    return files if sizes == {name: facts.size for name, facts in files.items()} else None
