"""Checkpoints that survive: the only module that imports Orbax.

Orbax writes asynchronously and commits by renaming. What it lacks is added here: a digest of every array,
computed on the device when saving and again after restoring, so that a single flipped bit is noticed;
a restore that goes from the newest checkpoint to the oldest until one is whole; moving damaged ones
away; deleting trash and what a killed save left behind.
"""

import contextlib
import dataclasses
import logging
import shutil
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import jax
import orbax.checkpoint as ocp
from orbax.checkpoint import checkpoint_managers as policies

from jaxfake.checkpoints.array_digest import array_digest
from jaxfake.checkpoints.checksummed_json import checksummed, read_checksummed
from jaxfake.checkpoints.metadata import METADATA_FILE, CheckpointMetadata, parse_metadata
from jaxfake.checkpoints.stored_arrays import ArrayShape, check_listed, check_stored
from jaxfake.checkpoints.validation_score import read_score, write_score
from jaxfake.runtime.errors import InputError
from jaxfake.runtime.multiprocess import all_agree, is_first, wait_for_all
from jaxfake.runtime.tree_paths import path_name

_TRASH = "trash"
_STATE, _META = "state", "meta"
_METADATA, _SHAPES, _DIGESTS = "notes", "shapes", "fingerprint"
"""Keys of the file in `meta/`. They are older than the names here, and stay."""
_DISK_WORDS = {"No space left": "the disk is full", "Read-only file": "the disk is read-only"}
_NEVER_SECONDS = 10**9
"""Orbax gives up a save by the wall clock, which may jump by hours; the grace is what bounds a save."""


@dataclasses.dataclass(frozen=True)
class Restored:
    """A whole checkpoint: the state, and what it says of itself."""

    state: Any
    metadata: CheckpointMetadata


class CheckpointFolder:
    """The checkpoints of one stage of one run.

    Args:
        folder: `WORKDIR/checkpoints/STAGE`.
        keep: how many of the newest are kept; the one with the greatest score is kept beside them.
        warn: takes one line about each damaged checkpoint.
        read_only: changes nothing in the folder, which must exist; for runs that may be in progress.

    Raises:
        InputError: a checkpoint cannot even be listed.
    """

    def __init__(
        self, folder: Path, keep: int, warn: Callable[[str], None], read_only: bool = False
    ) -> None:
        logging.getLogger("absl").setLevel(logging.ERROR)
        self.folder = folder.resolve()
        self._warn = warn
        self._read_only = read_only
        self._scores: dict[int, float] = {}
        if not read_only:
            if is_first():
                folder.mkdir(parents=True, exist_ok=True)
                self._empty_trash()
            wait_for_all("checkpoint folder")
        check_listed(self.folder)
        self._manager = ocp.CheckpointManager(
            self.folder,
            options=ocp.CheckpointManagerOptions(
                preservation_policy=_NewestAndBest(keep, self.best),
                todelete_subdir=_TRASH,  # a rename: a kill cannot leave half a checkpoint
                cleanup_tmp_directories=not read_only,
                async_options=ocp.AsyncOptions(timeout_secs=_NEVER_SECONDS),
                read_only=read_only,
            ),
            item_handlers={
                _STATE: ocp.StandardCheckpointHandler(),
                _META: ocp.JsonCheckpointHandler(),
            },
        )
        found = {step: read_score(self.folder / str(step), warn) for step in self._steps()}
        self._scores |= {step: score for step, score in found.items() if score is not None}

    def latest(self) -> int | None:
        """Step of the newest checkpoint, whole or not."""
        return self._manager.latest_step()

    def best(self) -> int | None:
        """Step of the checkpoint with the greatest score, the newest of equals; None if none has one."""
        there = set(self._steps())
        scored = [(score, step) for step, score in self._scores.items() if step in there]
        return max(scored)[1] if scored else None

    def score(self, step: int) -> float | None:
        """The score of a step, if it has one."""
        return self._scores.get(step)

    def set_score(self, step: int, score: float) -> None:
        """Gives a validation score to a step whose save is on disk, see `wait`."""
        if is_first():
            write_score(self.folder / str(step), score)
        self._scores[step] = score

    @property
    def saving(self) -> bool:
        """Whether a save is on its way to the disk."""
        return self._manager.is_saving_in_progress()

    def compile_for(self, state: Any) -> None:
        """Compiles what a save computes, so that the first save costs no more than the others."""
        array_digest(state)

    def save(self, step: int, state: Any, metadata: CheckpointMetadata) -> None:
        """Starts a save; returns as soon as the state has left the device.

        Raises:
            InputError: the disk refused this save or the one before it.
        """
        if step == self.latest():
            return
        meta = {
            _METADATA: metadata.to_json(),
            _SHAPES: _shapes(state),
            _DIGESTS: array_digest(state),
        }
        items = ocp.args.Composite(
            **{_STATE: ocp.args.StandardSave(state), _META: ocp.args.JsonSave(checksummed(meta))}
        )
        self._reporting(lambda: self._manager.save(step, args=items, force=True))

    def wait(self) -> None:
        """Returns when the last save is on disk.

        Raises:
            InputError: it did not get there.
        """
        self._reporting(self._manager.wait_until_finished)
        if not self._read_only and is_first():
            self._empty_trash()

    def restore(self, like: Any) -> Restored | None:
        """The newest whole checkpoint, in the shapes and shardings of `like`; None if none was saved.

        Damaged ones are named in a warning and moved to `damaged/` beside the others.

        Raises:
            InputError: a checkpoint is of another model, or all are damaged.
        """
        steps = sorted(self._steps(), reverse=True)
        found = self._first_whole(steps, like)
        if found is None:
            return None
        whole, restored = found
        if not self._read_only:
            self._move_away([damaged for damaged in steps if damaged > whole])
        return restored

    def restore_selected(self, like: Any) -> Restored | None:
        """The whole checkpoint with the greatest score; the newest if none has one; None if none is there.

        Raises:
            InputError: as for `restore`.
        """
        worst = float("-inf")
        steps = sorted(self._steps(), key=lambda step: (self._scores.get(step, worst), step))
        found = self._first_whole(steps[::-1], like)
        return None if found is None else found[1]

    def restore_step(self, step: int, like: Any) -> Restored:
        """The checkpoint of one step.

        Raises:
            InputError: there is none, it is of another model, or it is damaged.
        """
        if step not in self._steps():
            have = ", ".join(map(str, sorted(self._steps()))) or "none"
            raise InputError(f"{self.folder} has no checkpoint of step {step} (it has {have})")
        restored = self._attempt(step, like)
        if restored is None:
            raise InputError(
                f"checkpoint {self.folder / str(step)} is damaged: choose another step"
            )
        return restored

    def close(self) -> None:
        """Waits for the last save and releases Orbax's threads."""
        try:
            self.wait()
        finally:
            with contextlib.suppress(Exception):  # it would say again, in other words, what failed
                self._manager.close()

    def _steps(self) -> list[int]:
        return list(self._manager.all_steps())

    def _first_whole(self, steps: list[int], like: Any) -> tuple[int, Restored] | None:
        for step in steps:
            restored = self._attempt(step, like)
            if restored is not None:
                return step, restored
        if steps:
            advice = "" if self._read_only else "; move the folder away to start anew"
            raise InputError(f"every checkpoint in {self.folder} is damaged{advice}")
        return None

    def _attempt(self, step: int, like: Any) -> Restored | None:
        """The step as it was saved; None if it is damaged, for any of the processes."""
        folder = self.folder / str(step)
        try:
            return _restored(folder, like, lambda: self._read_state(step, like))
        except InputError:
            raise
        except Exception as error:  # Orbax raises a plain Exception for damaged array files
            self._warn(f"checkpoint {folder} is damaged ({_reason(error)})")
            return None

    def _read_state(self, step: int, like: Any) -> Any:
        items = ocp.args.Composite(**{_STATE: ocp.args.StandardRestore(like)})
        return self._manager.restore(step, args=items)[_STATE]

    def _move_away(self, steps: list[int]) -> None:
        for step in steps:
            self._scores.pop(step, None)
            if is_first():
                target = self.folder.parent / "damaged" / f"{self.folder.name}-{step}"
                target.parent.mkdir(exist_ok=True)
                shutil.rmtree(target, ignore_errors=True)
                (self.folder / str(step)).rename(target)
        if steps:
            wait_for_all("damaged checkpoints")
            self._manager.reload()

    def _reporting(self, action: Callable[[], Any]) -> None:
        try:
            with jax.transfer_guard(
                "allow"
            ):  # Orbax fetches arrays, and meets others, in its own way
                action()
        except Exception as error:
            raise InputError(
                f"a checkpoint could not be written to {self.folder}: {_reason(error)}; "
                "older ones are whole"
            ) from error

    def _empty_trash(self) -> None:
        shutil.rmtree(self.folder / _TRASH, ignore_errors=True)


def is_checkpoint(folder: Path) -> bool:
    """Whether a folder looks like one checkpoint, whatever it is called."""
    return all((folder / item).is_dir() for item in (_STATE, _META))


def read_metadata(folder: Path) -> CheckpointMetadata:
    """What a checkpoint says of itself; its arrays are not read.

    Raises:
        OSError, ValueError: the metadata are not there or damaged.
    """
    meta = _read_meta(folder)
    if not isinstance(meta, dict) or not isinstance(meta.get(_METADATA), dict):
        raise ValueError("it has no metadata")
    return parse_metadata(meta[_METADATA])


def restore_copy(folder: Path, like: Any) -> Restored:
    """One checkpoint that was copied to any place, under any name; nothing in it is changed.

    Raises:
        InputError: it is of another model, or damaged.
    """
    logging.getLogger("absl").setLevel(logging.ERROR)
    folder = folder.absolute()
    with ocp.Checkpointer(ocp.StandardCheckpointHandler()) as reader:
        how = ocp.args.StandardRestore(like)
        try:
            return _restored(folder, like, lambda: reader.restore(folder / _STATE, args=how))
        except InputError:
            raise
        except Exception as error:  # as above
            raise InputError(f"checkpoint {folder} is damaged ({_reason(error)})") from error


def _restored(folder: Path, like: Any, read_state: Callable[[], Any]) -> Restored:
    """A checkpoint, if all of it is as it was saved, in every process."""
    cannot: Exception | None = None
    try:
        meta = _read_meta(folder)
        _check_shapes(meta[_SHAPES], _shapes(like), folder)
        check_stored(folder, _STATE, _arrays(like))
        state = read_state()
    except Exception as error:
        cannot = error
    if not all_agree(cannot is None):
        raise cannot or ValueError("another process cannot read it")
    if array_digest(state) != meta[_DIGESTS]:
        raise ValueError("the arrays differ from those that were saved")
    return Restored(state, parse_metadata(meta[_METADATA]))


def _read_meta(folder: Path) -> Any:
    """Without Orbax, which would take JSON of any size."""
    return read_checksummed(folder / METADATA_FILE)


def _reason(error: Exception) -> str:
    text = str(error).split("\n")[0]
    for sign, words in _DISK_WORDS.items():
        if sign in text:
            return words
    return text[:160]


class _NewestAndBest:
    """Orbax's `PreservationPolicy`: the newest few and the one that is best so far."""

    def __init__(self, newest: int, best: Callable[[], int | None]) -> None:
        self._newest, self._best = newest, best

    def should_preserve(
        self, checkpoints: Sequence[Any], *, context: policies.PreservationContext
    ) -> list[bool]:
        """For each checkpoint, from the oldest to the newest, whether it stays."""
        del context
        best, old = self._best(), len(checkpoints) - self._newest
        return [place >= old or one.step == best for place, one in enumerate(checkpoints)]


def _shapes(state: Any) -> dict[str, str]:
    leaves = jax.tree_util.tree_leaves_with_path(state)
    return {path_name(path): f"{leaf.dtype} {list(leaf.shape)}" for path, leaf in leaves}


def _arrays(state: Any) -> dict[str, ArrayShape]:
    """What must be stored, by the names that Orbax gives."""
    return {
        jax.tree_util.keystr(path, simple=True, separator="."): ArrayShape(leaf.shape, leaf.dtype)
        for path, leaf in jax.tree_util.tree_leaves_with_path(state)
    }


def _check_shapes(saved: dict[str, str], wanted: dict[str, str], where: Path) -> None:
    for name in sorted(saved.keys() | wanted.keys()):
        if saved.get(name) != wanted.get(name):
            raise InputError(
                f"{where} holds another model: {name} is {saved.get(name, 'absent')} there and "
                f"{wanted.get(name, 'absent')} by this config; use its config or another --workdir"
            )
