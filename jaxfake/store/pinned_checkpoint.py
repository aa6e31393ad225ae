"""Keeps the files of a checkpoint while they are uploaded, even if retention deletes it meanwhile."""

import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from jaxfake.store import object_names


@contextmanager
def pinned(source: Path, scratch: Path) -> Iterator[Path | None]:
    """The files of a checkpoint, safe from retention inside the context.

    Files of a checkpoint are never changed in place, so hard links keep them.

    Args:
        source: folder of the checkpoint.
        scratch: folder for the links, on the same disk.

    Returns:
        The folder with the files: `source` itself on a disk without links; None if it has been deleted.
    """
    shutil.rmtree(scratch, ignore_errors=True)
    try:
        yield _linked(source, scratch)
    finally:
        shutil.rmtree(scratch, ignore_errors=True)


def _linked(source: Path, scratch: Path) -> Path | None:
    for name in object_names.file_stamps(source):
        target = scratch / name
        target.parent.mkdir(parents=True, exist_ok=True)
        try:
            os.link(source / name, target)
        except FileNotFoundError:
            return None
        except OSError:
            return source
    # Retention renames a folder before it deletes in it: if it is still here, nothing was missed.
    return scratch if source.is_dir() else None
