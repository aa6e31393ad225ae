"""An object store below one URL, by fsspec: every call ends within a bounded time, or says why not."""

import asyncio
import hashlib
import os
import time
from collections.abc import Awaitable, Callable
from contextlib import suppress
from pathlib import Path
from typing import Any

from fsspec.asyn import AsyncFileSystem, sync
from fsspec.callbacks import Callback

from jaxfake.store.opening import opened

_TICK = 0.5  # seconds
_PIECE = 5 << 20  # bytes; at least 5 MiB for S3, a multiple of 256 KiB for GCS
_AT_ONCE = 2  # pieces; nothing is heard of them until one has got through
_SLOWEST = 64 << 10  # bytes a second, of a line that is worth waiting for
_MOST_OBJECTS = 100_000  # below the URL; a run has hundreds
_SECRETS = ("AWS_SECRET_ACCESS_KEY", "AWS_SESSION_TOKEN", "AWS_ACCESS_KEY_ID")


class StoreError(Exception):
    """The store did not do what was asked; the text is the reason, on one line."""


class NotAsPromised(StoreError):
    """An object that should be there is not, or is of another size."""


class _Absent(NotAsPromised):
    """There is no such object, or no such bucket."""


class Remote:
    """Objects below a URL, by names such as `checkpoints/recover/40/meta/metadata`.

    Each method raises StoreError. Credentials and endpoint are those that the library of the store
    finds: AWS_PROFILE, AWS_ENDPOINT_URL, GOOGLE_APPLICATION_CREDENTIALS and so on.

    Args:
        url: such as s3://bucket/runs/mover.
        silence: seconds without any progress after which a call has failed; a piece of a file has more.

    Raises:
        InputError: no such URL can be reached by what is installed.
    """

    def __init__(self, url: str, silence: float) -> None:
        self.url = url.rstrip("/")
        self.moved = 0  # grows with everything that gets through
        self.silence = silence  # may be lowered while a call waits
        longest = silence + _seconds(_AT_ONCE * _PIECE)
        self._files, self._root = opened(self.url, longest)

    def names(self) -> dict[str, int]:
        """Size in bytes of every object."""
        try:
            found = self._call("find", self._root, detail=True)
        except _Absent:
            return {}
        if len(found) > _MOST_OBJECTS:
            raise StoreError(f"more than {_MOST_OBJECTS} objects lie there")
        start = len(self._root) + 1
        return {path[start:]: int(info["size"] or 0) for path, info in found.items()}

    def put(self, path: Path, name: str) -> None:
        """Uploads a file. FileNotFoundError if there is none."""
        parts = {"callback": _Count(self), "chunksize": _PIECE, "max_concurrency": _AT_ONCE}
        size = path.stat().st_size
        try:
            self._call("put_file", str(path), self._path(name), moves=size, **parts)
        except _Absent:
            path.stat()  # what vanished here is not missing there
            raise

    def put_bytes(self, content: bytes, name: str) -> None:
        """Writes a small object."""
        self._call("pipe_file", self._path(name), content)

    def read(self, name: str, size: int) -> bytes:
        """The first `size` bytes of an object."""
        return self._piece(name, 0, size)

    def get(self, name: str, size: int, target: Path) -> str:
        """Downloads an object of `size` bytes, and no more than these; its sha256."""
        digest = hashlib.sha256()
        with target.open("wb") as file:
            for start in range(0, size, _PIECE):
                piece = self._piece(name, start, min(start + _PIECE, size))
                digest.update(piece)
                file.write(piece)
        return digest.hexdigest()

    def delete(self, name: str) -> None:
        """Deletes an object, if it is there."""
        with suppress(_Absent):
            self._call("rm_file", self._path(name))

    def _path(self, name: str) -> str:
        return f"{self._root}/{name}"

    def _piece(self, name: str, start: int, end: int) -> bytes:
        if start == end:  # S3 refuses an empty range
            return b""
        piece = self._call("cat_file", self._path(name), moves=end - start, start=start, end=end)
        if len(piece) != end - start:
            raise NotAsPromised(f"{name} has not the size that it should have")
        return piece

    def _call(self, method: str, *args: Any, moves: int = 0, **options: Any) -> Any:
        """Calls the library; `moves` bytes are to get through."""
        try:
            if isinstance(self._files, AsyncFileSystem):
                act, more = getattr(self._files, f"_{method}"), _seconds(moves)
                done = sync(self._files.loop, self._watched, lambda: act(*args, **options), more)
            else:
                done = getattr(self._files, method)(*args, **options)
        except StoreError:
            raise
        except FileNotFoundError as error:
            raise _Absent(f"not found: {_reason(error)}") from error
        except Exception as error:  # each library has its own
            raise StoreError(_reason(error)) from error
        self.moved += 1
        return done

    async def _watched(self, start: Callable[[], Awaitable[Any]], more: float) -> Any:
        """Cancels a call that nothing comes of; libraries do not watch every part of one."""
        task = asyncio.ensure_future(start())
        moved, since = self.moved, time.monotonic()
        while not task.done():
            await asyncio.wait({task}, timeout=_TICK)
            if self.moved != moved:
                moved, since = self.moved, time.monotonic()
            elif time.monotonic() - since > (patience := self.silence + more) and not task.done():
                task.cancel()
                await asyncio.wait({task}, timeout=_TICK)
                raise StoreError(f"it did not answer for {patience:.0f} s")
        return task.result()


class _Count(Callback):
    """Notes that a part of a file got through."""

    def __init__(self, remote: Remote) -> None:
        super().__init__()
        self._remote = remote

    def relative_update(self, inc: int = 1) -> None:
        self._remote.moved += 1

    def absolute_update(self, value: int) -> None:
        self._remote.moved += 1


def _seconds(size: int) -> float:
    """That so many bytes, or the pieces that go at once, may take until something is heard of them."""
    return min(size, _AT_ONCE * _PIECE) / _SLOWEST


def _reason(error: Exception) -> str:
    text = " ".join(str(error).split())
    for name in _SECRETS:
        if len(secret := os.environ.get(name, "")) >= 8:
            text = text.replace(secret, "***")
    return text[:160] or type(error).__name__
