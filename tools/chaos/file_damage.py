"""Damages and removes files that a run has saved."""

import re
import shutil
from collections import Counter
from collections.abc import Callable
from pathlib import Path

from tools.chaos.schedule import Event

_RANDOM_NAME = re.compile(r"[0-9a-f]{32}")


def _truncate(path: Path, content: bytes, place: int) -> None:
    path.write_bytes(content[:place])


def _zero(path: Path, content: bytes, _: int) -> None:
    path.write_bytes(bytes(len(content)))


def _flip(path: Path, content: bytes, place: int) -> None:
    flipped = bytearray(content)
    flipped[place] ^= 1 << place % 8
    path.write_bytes(flipped)


WAYS: dict[str, Callable[[Path, bytes, int], None]] = {
    "truncated": _truncate,
    "zeroed": _zero,
    "one bit flipped": _flip,
}


def damage(checkpoint: Path, event: Event, so_far: Counter[tuple[str, str]]) -> str:
    """Damages one file of a checkpoint, of a kind and in a way that was used least; says what it did.

    Args:
        checkpoint: its folder.
        event: chooses among these, and the place in the file.
        so_far: how often each kind of file was damaged in each way; it is updated.
    """
    files = {
        _RANDOM_NAME.sub("*", str(path.relative_to(checkpoint))): path
        for path in sorted(checkpoint.rglob("*"))
        if path.is_file() and path.stat().st_size
    }
    turns = [(kind, way) for kind in files for way in WAYS]
    least = [turn for turn in turns if so_far[turn] == min(so_far[turn] for turn in turns)]
    kind, way = least[event.choice % len(least)]
    so_far[kind, way] += 1
    content = files[kind].read_bytes()
    WAYS[way](files[kind], content, int(event.severity * len(content)))
    return f"{kind} {way}"


def remove_file(checkpoint: Path, event: Event) -> str:
    """Removes one file of a checkpoint; says what it did."""
    files = sorted(path for path in checkpoint.rglob("*") if path.is_file())
    gone = files[int(event.severity * len(files))]
    gone.unlink()
    return f"{_RANDOM_NAME.sub('*', str(gone.relative_to(checkpoint)))} removed"


def remove_item(checkpoint: Path, event: Event) -> str:
    """Removes one folder of a checkpoint; says what it did."""
    folders = sorted(path for path in checkpoint.iterdir() if path.is_dir())
    gone = folders[int(event.severity * len(folders))]
    shutil.rmtree(gone)
    return f"{gone.name}/ removed"


def cut_rows(path: Path, event: Event) -> str:
    """Cuts the tail off a file, often in the middle of a line; says what it did."""
    content = path.read_bytes()
    path.write_bytes(content[: int(event.severity * len(content))])
    return f"{path.name} cut at {event.severity:.0%}"


def remove_all(checkpoint: Path) -> str:
    """Removes a checkpoint; says what it did."""
    shutil.rmtree(checkpoint)
    return "the newest checkpoint removed"
