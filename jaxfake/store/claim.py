"""Whose a place in a store is: it belongs to one run, and the machine that began last may write there.

`.claim.json` beside the run's files says so. It is written before anything else, and only if it does not
exist yet, in one step where the store can do that (S3 and Google Cloud can). It is read again before every
upload: whoever finds another run in it, or another machine, uploads nothing more. So of two runs only one
gets the place, and a machine that was cut off and comes back does not mix its files with those of the
machine that replaced it.

The limits: between the last look and the end of an upload a claim can change hands, so that one file of the
old machine may still arrive. Its checkpoint is then found damaged by its digests. In a store that cannot
write in one step, two runs that begin within the same moment may both believe that they were first; each
sees the other at its next upload at the latest.
"""

import json
import uuid

from jaxfake.checkpoints.run_identity import RunIdentity
from jaxfake.runtime.errors import InputError
from jaxfake.store.object_store import ObjectStore, StoreError

CLAIM = ".claim.json"

_MOST_BYTES = 4096


class ClaimDeleted(StoreError):
    """The claim of this process is not in the store any more."""


class Claim:
    """The claim of this process.

    Args:
        store: where the run is kept.
        identity: of the run.
    """

    def __init__(self, store: ObjectStore, identity: RunIdentity) -> None:
        self._store, self._config = store, identity.config
        self._machine = uuid.uuid4().hex

    def take(self) -> None:
        """Makes the place this run's, or takes it over from another machine with the same run.

        Raises:
            InputError: it belongs to another run.
            StoreError: the store failed.
        """
        ours = json.dumps({"config": self._config, "machine": self._machine}).encode()
        held = self._read()
        if held is None:
            self._store.create(CLAIM, ours)
            held = self._read()
        if held is None:
            raise StoreError(f"{CLAIM} was written and is not there")
        self._refuse_another_run(held["config"])
        if held["machine"] != self._machine:
            self._store.put_bytes(ours, CLAIM)

    def check(self) -> None:
        """Call it before every upload.

        Raises:
            InputError: the place belongs to another run or another machine by now.
            ClaimDeleted: somebody has emptied the place.
            StoreError: the store failed.
        """
        held = self._read()
        if held is None:
            raise ClaimDeleted(f"{CLAIM} was deleted")
        self._refuse_another_run(held["config"])
        if held["machine"] != self._machine:
            raise InputError(
                f"{self._store.url} was taken over by another machine, which began later with the same "
                "run: nothing more is uploaded from this one"
            )

    def _read(self) -> dict[str, str] | None:
        """The claim in the store; None if there is none."""
        content = self._store.read_small(CLAIM, _MOST_BYTES)
        if content is None:
            return None
        try:
            held = json.loads(content)
            return {name: str(held[name]) for name in ("config", "machine")}
        except (ValueError, KeyError, TypeError, RecursionError) as error:
            raise StoreError(
                f"{CLAIM} is damaged: delete it if no other machine writes there"
            ) from error

    def _refuse_another_run(self, config: str) -> None:
        if config != self._config:
            raise InputError(
                f"{self._store.url} belongs to another run, of config {config[:12]}, where this is "
                f"{self._config[:12]}: use that config or another --store"
            )
