"""A job whose folder is mirrored to a store: downloaded before, uploaded meanwhile, complete afterwards."""

import dataclasses
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from jaxfake.checkpoints.run_identity import RunIdentity
from jaxfake.experiment.run_config import MOST_BYTES, identity_in
from jaxfake.experiment.run_folder import RunFolder
from jaxfake.runtime.errors import InputError, Preempted
from jaxfake.runtime.files import read_bounded
from jaxfake.runtime.preemption import preemption
from jaxfake.runtime.progress import say
from jaxfake.store.background_upload import DEFAULT_TIMING, Mirror, Timing
from jaxfake.store.download import download
from jaxfake.store.object_names import Step
from jaxfake.store.object_store import ObjectStore, StoreError
from jaxfake.store.upload_queue import UploadQueue


@contextmanager
def mirrored(
    workdir: Path, url: str | None, identity: RunIdentity, timing: Timing = DEFAULT_TIMING
) -> Iterator[None]:
    """The context to run a job in. Without a URL it does nothing.

    Raises:
        InputError: the store cannot be used, holds another run or becomes another's, or cannot be reached
            by a new run.
        Preempted: the job is done, or was stopped, and the store does not have everything.
    """
    if url is None or _holds_another_run(workdir, identity):
        yield
        return
    store = ObjectStore(url, timing.stall)
    start = _download_first(store, workdir, identity, timing)
    queue = UploadQueue(workdir, store, identity, start.damaged)
    failure = start.failure or _claim_first(queue, store)
    mirror = Mirror(queue, store, failure, timing)
    mirror.start()
    try:
        with preemption.before_exit(lambda: _finish_upload(mirror, timing.patience)):
            yield
    except Preempted as stop:
        raise Preempted(f"{stop}{_finish_upload(mirror, timing.patience)}") from stop
    except Exception:
        if remark := _finish_upload(mirror, timing.patience / 8):
            say(f"failed{remark}")
        raise
    else:
        with preemption.protecting():
            _upload_all(mirror, timing)
    finally:
        mirror.close()


def _holds_another_run(workdir: Path, identity: RunIdentity) -> bool:
    """Whether the workdir holds another run, which the job will refuse and the store must not get."""
    try:
        config_json = read_bounded(RunFolder(workdir).config, MOST_BYTES)
    except FileNotFoundError:
        return False
    return identity.difference(identity_in(config_json)) is not None


@dataclasses.dataclass(frozen=True)
class _Start:
    """The state of the store when the job starts."""

    damaged: frozenset[Step] = frozenset()
    failure: str | None = None  # why it could not be reached; the user has been told


def _download_first(
    store: ObjectStore, workdir: Path, identity: RunIdentity, timing: Timing
) -> _Start:
    """Downloads what the store has and the workdir lacks. An empty workdir waits for the store."""
    until = time.monotonic() + timing.connect
    while True:
        try:
            downloaded = download(store, workdir, identity)
            break
        except StoreError as error:
            if RunFolder(workdir).config.exists():
                say(f"{store.url} cannot be reached ({error}): going on from what {workdir} has")
                return _Start(failure=str(error))
            if time.monotonic() > until:
                raise InputError(
                    f"{store.url} cannot be reached ({error}), and {workdir} has no run to go on with: "
                    "it would start anew. Try again, or leave out --store"
                ) from error
        time.sleep(timing.connect / 20)
    if downloaded.steps:
        steps = ", ".join(f"{step.stage} {step.number}" for step in downloaded.steps)
        say(f"fetched from {store.url}: {steps}")
    return _Start(downloaded.damaged)


def _claim_first(queue: UploadQueue, store: ObjectStore) -> str | None:
    """Claims the place in the store before training begins; why that failed, if it did.

    Raises:
        InputError: another run has it.
    """
    try:
        queue.inspect()
    except StoreError as error:
        say(f"{store.url} fails ({error}): it is tried again and again")
        return str(error)
    return None


def _finish_upload(mirror: Mirror, patience: float) -> str:
    """Uploads the newest checkpoints; a remark on what could not be uploaded, or ''."""
    pending = mirror.finish(True, patience)
    return f"; but {mirror.describe(pending)}" if pending else ""


def _upload_all(mirror: Mirror, timing: Timing) -> None:
    pending = mirror.finish(False, timing.patience)
    if mirror.refused is not None:
        raise InputError(
            f"the run is done, and all of it is in its --workdir; but {mirror.refused}"
        )
    if pending:
        raise Preempted(
            f"the run is done, but {mirror.describe(pending)}: run the same command again to "
            "upload the rest"
        )
