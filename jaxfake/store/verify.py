"""Checks what a store holds: which run it is of, and which checkpoints are complete."""

import json

from jaxfake.runtime.errors import InputError
from jaxfake.store import layout
from jaxfake.store.layout import Contents, Step
from jaxfake.store.object_store import ObjectStore


def check_config(store: ObjectStore, names: dict[str, int], config_sha256: str) -> None:
    """Raises InputError if the store holds a run of another config."""
    size = names.get(layout.CONFIG)
    if size is None:
        return
    stored = config_of(store.read(layout.CONFIG, min(size, layout.MOST_MARKER_BYTES)))
    if stored != config_sha256:
        raise InputError(
            f"{store.url} holds another run, of config {stored[:12] or 'unknown'}, where this is "
            f"{config_sha256[:12]}: use that config or another --store"
        )


def config_of(config_json: bytes) -> str:
    """The sha256 of the config of a run; '' if this is not the config.json of a run."""
    try:
        return str(json.loads(config_json)["sha256"])
    except (ValueError, KeyError, TypeError, RecursionError):
        return ""


def read_marker(store: ObjectStore, step: Step, names: dict[str, int]) -> Contents | None:
    """The files that a marker lists; None if it is damaged or does not fit the objects in `names`."""
    size = names[step.marker]
    if size > layout.MOST_MARKER_BYTES:
        return None
    try:
        files = layout.from_json(store.read(step.marker, size))
    except ValueError:
        return None
    sizes = {name: names.get(f"{step.name}/{name}") for name in files}
    return files if sizes == {name: info.size for name, info in files.items()} else None
