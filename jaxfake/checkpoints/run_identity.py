"""What a run is, and the one answer to 'is this the same run?'.

A run is told from others by what its results depend on. Its config says a part of that, a checkpoint all of
it. Who asks names the parts that must agree, and whoever is asked must know them.
"""

import dataclasses
from typing import Any, NamedTuple


class Difference(NamedTuple):
    """The first thing in which two runs differ."""

    name: str
    ours: Any
    theirs: Any


@dataclasses.dataclass(frozen=True)
class RunIdentity:
    """What makes two runs the same. A part that is None is not known.

    Attributes:
        config: sha256 of every value that the results depend on, see `config.digest`.
        stage: 'recover' or 'detect'; None for a run as a whole.
        start: what the stage started from, in words that differ if it does.
        data: digest of the data trained on.
        manifest: digest of what these data were prepared from; '' if they were drawn.
        seed: of everything that is random.
        batch_size: faces in one update.
        random_numbers: digest of those that this JAX draws.
        earlier_configs: of this run before it was lengthened; a state of one is a state of this run.
    """

    config: str
    stage: str | None = None
    start: str | None = None
    data: str | None = None
    manifest: str | None = None
    seed: int | None = None
    batch_size: int | None = None
    random_numbers: str | None = None
    earlier_configs: tuple[str, ...] = ()

    def difference(self, other: "RunIdentity") -> Difference | None:
        """The first part known here in which the other differs; None if they are the same run.

        The config comes last: where something that it depends on differs too, that says more.
        """
        for name in _PARTS:
            ours, theirs = getattr(self, name), getattr(other, name)
            if ours is not None and ours != theirs:
                return Difference(name.replace("_", " "), ours, theirs)
        if other.config in (self.config, *self.earlier_configs):
            return None
        return Difference("config", self.config, other.config)


_PARTS = tuple(
    field.name
    for field in dataclasses.fields(RunIdentity)
    if field.name not in ("config", "earlier_configs")
)
