"""Small disks that fill up or turn read-only: a tmpfs over a folder of the run."""

import errno
import os
import shutil
import subprocess
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

_FREE_BYTES = 256 * 2**20
_BALLAST = "ballast"
_REMOUNT_SECONDS = 30.0


def why_not() -> str:
    """Why no disk can be mounted here; '' if one can."""
    try:
        with tempfile.TemporaryDirectory() as folder, mounted(Path(folder) / "disk"):
            return ""
    except (OSError, subprocess.CalledProcessError):
        return "no tmpfs can be mounted: be root, or start it by `unshare -Urm`"


@contextmanager
def mounted(folder: Path) -> Iterator[None]:
    """A small disk in place of the folder, with its content, which is put back afterwards."""
    folder.mkdir(parents=True, exist_ok=True)
    before = folder.with_name(f"{folder.name}.before")
    size = _FREE_BYTES + 2 * _bytes(folder)
    folder.rename(before)
    folder.mkdir()
    try:
        _call("mount", "-t", "tmpfs", "-o", f"size={size}", "tmpfs", str(folder))
    except BaseException:
        folder.rmdir()
        before.rename(folder)
        raise
    try:
        shutil.copytree(before, folder, dirs_exist_ok=True)
        yield
    finally:
        after = folder.with_name(f"{folder.name}.after")
        shutil.copytree(folder, after)
        _call("umount", str(folder))
        folder.rmdir()
        after.rename(folder)
        shutil.rmtree(before)


@contextmanager
def filled(folder: Path, rest: int) -> Iterator[None]:
    """Fills the disk that is mounted at a folder, but for `rest` bytes."""
    _fill(folder, rest)
    try:
        yield
    finally:
        (folder / _BALLAST).unlink()


def _fill(folder: Path, rest: int) -> None:
    free = os.statvfs(folder)
    size = free.f_bavail * free.f_frsize - rest
    with (folder / _BALLAST).open("wb") as ballast:
        while size > 0:
            try:
                os.posix_fallocate(ballast.fileno(), 0, size)
                return
            except OSError as error:  # the job has used some of it meanwhile
                if error.errno != errno.ENOSPC:
                    raise
                size -= 2**16


@contextmanager
def read_only(folder: Path) -> Iterator[None]:
    """Makes the disk at a folder read-only, as soon as no file on it is open for writing."""
    until = time.monotonic() + _REMOUNT_SECONDS
    while subprocess.run(_remount("ro", folder), capture_output=True).returncode:
        if time.monotonic() > until:
            raise TimeoutError(f"{folder} is always being written to")
        time.sleep(0.01)
    try:
        yield
    finally:
        _call(*_remount("rw", folder))


def _remount(how: str, folder: Path) -> list[str]:
    return ["mount", "-o", f"remount,{how}", str(folder)]


def _call(*command: str) -> None:
    subprocess.run(command, check=True, capture_output=True, text=True)


def _bytes(folder: Path) -> int:
    return sum(path.stat().st_size for path in folder.rglob("*") if path.is_file())
