"""Checks what a store holds: which run it is of, and which checkpoints are complete."""

from jaxfake.checkpoints.run_identity import RunIdentity
from jaxfake.experiment.run_config import MOST_BYTES, identity_in
from jaxfake.experiment.run_folder import CONFIG
from jaxfake.runtime.errors import InputError
from jaxfake.store import object_names
from jaxfake.store.object_names import Contents, Step
from jaxfake.store.object_store import ObjectStore


def check_config(store: ObjectStore, names: dict[str, int], identity: RunIdentity) -> None:
    """Raises InputError if the store holds another run."""
    size = names.get(CONFIG)
    if size is None:
        return
    stored = identity_in(store.read(CONFIG, min(size, MOST_BYTES)))
    if identity.difference(stored) is not None:
        raise InputError(
            f"{store.url} holds another run, of config {stored.config[:12] or 'unknown'}, where this is "
            f"{identity.config[:12]}: use that config or another --store"
        )


def read_marker(store: ObjectStore, step: Step, names: dict[str, int]) -> Contents | None:
    """The files that a marker lists; None if it is damaged or does not fit the objects in `names`."""
    size = names[step.marker]
    if size > object_names.MOST_MARKER_BYTES:
        return None
    try:
        files = object_names.from_json(store.read(step.marker, size))
    except ValueError:
        return None
    sizes = {name: names.get(f"{step.name}/{name}") for name in files}
    return files if sizes == {name: info.size for name, info in files.items()} else None
