"""A checkpoint that stays while it is uploaded, though retention deletes it meanwhile."""

import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from jaxfake.store import layout


@contextmanager
def held(source: Path, scratch: Path) -> Iterator[Path | None]:
    """A checkpoint's files, safe from retention while they are uploaded, however long that takes.

    Files of a checkpoint are never changed in place, so links hold them.

    Args:
        source: folder of the checkpoint.
        scratch: on the same disk; for the links.

    Returns:
        Where the files are: `source` itself where the disk knows no links; None if it was deleted.
    """
    shutil.rmtree(scratch, ignore_errors=True)
    try:
        yield _linked(source, scratch)
    finally:
        shutil.rmtree(scratch, ignore_errors=True)


def _linked(source: Path, scratch: Path) -> Path | None:
    for name in layout.stamps(source):
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
