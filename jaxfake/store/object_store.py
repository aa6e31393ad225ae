"""The objects below one URL of a store, through fsspec. Every request ends within a bounded time."""

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
from fsspec.implementations.local import LocalFileSystem

from jaxfake.store.filesystem import open_filesystem

_POLL_SECONDS = 0.5  # seconds
_PIECE = 5 << 20  # bytes; at least 5 MiB for S3, a multiple of 256 KiB for GCS
_PARALLEL_PIECES = 2  # pieces; there is no sign of progress until one of them is transferred
_MIN_BYTES_PER_SECOND = 64 << 10  # of a connection that is worth waiting for
_MOST_OBJECTS = 100_000  # below the URL; a run has hundreds
_SECRETS = ("AWS_SECRET_ACCESS_KEY", "AWS_SESSION_TOKEN", "AWS_ACCESS_KEY_ID")


class StoreError(Exception):
    """A request failed. The text is the reason, on one line."""


class UnexpectedObject(StoreError):
    """An object is missing or has another size than expected."""


class _NotFound(UnexpectedObject):
    """The object or the bucket does not exist."""


class _Exists(StoreError):
    """The object exists already."""


class ObjectStore:
    """Objects below a URL, by names such as `checkpoints/recover/40/meta/metadata`.

    Every method may raise StoreError. The library of the store finds credentials and endpoint by itself:
    AWS_PROFILE, AWS_ENDPOINT_URL, GOOGLE_APPLICATION_CREDENTIALS and so on.

    Args:
        url: such as s3://bucket/runs/mover.
        stall_seconds: time without progress after which a request has failed; more for a piece of a file.

    Raises:
        InputError: no installed library can reach this URL.
    """

    def __init__(self, url: str, stall_seconds: float) -> None:
        self.url = url.rstrip("/")
        self.transfers = 0  # grows with every piece that is transferred
        self.stall_seconds = stall_seconds  # may be lowered while a request waits
        longest = stall_seconds + _seconds(_PARALLEL_PIECES * _PIECE)
        self._files, self._root = open_filesystem(self.url, longest)

    def names(self) -> dict[str, int]:
        """Size in bytes of every object."""
        try:
            found = self._call("find", self._root, detail=True)
        except _NotFound:
            return {}
        if len(found) > _MOST_OBJECTS:
            raise StoreError(f"it holds more than {_MOST_OBJECTS} objects")
        start = len(self._root) + 1
        return {path[start:]: int(info["size"] or 0) for path, info in found.items()}

    def put(self, path: Path, name: str) -> None:
        """Uploads a file; raises FileNotFoundError if it does not exist."""
        parts = {
            "callback": _CountTransfers(self),
            "chunksize": _PIECE,
            "max_concurrency": _PARALLEL_PIECES,
        }
        size = path.stat().st_size
        try:
            self._call("put_file", str(path), self._path(name), moves=size, **parts)
        except _NotFound:
            path.stat()  # if the file has vanished here, say so and not that the object is missing
            raise

    def put_bytes(self, content: bytes, name: str) -> None:
        """Writes a small object."""
        self._call("pipe_file", self._path(name), content)

    def create(self, name: str, content: bytes) -> None:
        """Writes a small object unless there is one of that name, in one step if the store can do that."""
        try:
            if isinstance(self._files, LocalFileSystem):
                self._create_file(self._path(name), content)
            else:
                self._call("pipe_file", self._path(name), content, mode="create")
        except _Exists:
            return

    def read_small(self, name: str, most: int) -> bytes | None:
        """The content of a small object; None if there is none.

        Raises:
            StoreError: it has more than `most` bytes, or the store failed.
        """
        try:
            content = self._call("cat_file", self._path(name), start=0, end=most + 1)
        except _NotFound:
            return None
        if len(content) > most:
            raise StoreError(f"{name} has more than {most} bytes")
        return bytes(content)

    def read(self, name: str, size: int) -> bytes:
        """The first `size` bytes of an object."""
        return self._read_piece(name, 0, size)

    def get(self, name: str, size: int, target: Path) -> str:
        """Downloads `size` bytes of an object, never more; returns their sha256."""
        digest = hashlib.sha256()
        with target.open("wb") as file:
            for start in range(0, size, _PIECE):
                piece = self._read_piece(name, start, min(start + _PIECE, size))
                digest.update(piece)
                file.write(piece)
        return digest.hexdigest()

    def delete(self, name: str) -> None:
        """Deletes an object, if it is there."""
        with suppress(_NotFound):
            self._call("rm_file", self._path(name))

    def _create_file(self, path: str, content: bytes) -> None:
        """In a folder: fsspec would look first and write then."""
        try:
            with self._files.open(path, "xb") as file:
                file.write(content)
        except FileExistsError as error:
            raise _Exists(path) from error
        except OSError as error:
            raise StoreError(_reason(error)) from error

    def _path(self, name: str) -> str:
        return f"{self._root}/{name}"

    def _read_piece(self, name: str, start: int, end: int) -> bytes:
        if start == end:  # S3 refuses an empty range
            return b""
        piece = self._call("cat_file", self._path(name), moves=end - start, start=start, end=end)
        if len(piece) != end - start:
            raise UnexpectedObject(f"{name} does not have the expected size")
        return piece

    def _call(self, method: str, *args: Any, moves: int = 0, **options: Any) -> Any:
        """Calls the library, for a transfer of `moves` bytes."""
        try:
            if isinstance(self._files, AsyncFileSystem):
                act, more = getattr(self._files, f"_{method}"), _seconds(moves)
                done = sync(
                    self._files.loop, self._with_stall_limit, lambda: act(*args, **options), more
                )
            else:
                done = getattr(self._files, method)(*args, **options)
        except StoreError:
            raise
        except FileNotFoundError as error:
            raise _NotFound(f"not found: {_reason(error)}") from error
        except FileExistsError as error:
            raise _Exists(f"it exists already: {_reason(error)}") from error
        except Exception as error:  # each library raises its own
            raise StoreError(_reason(error)) from error
        self.transfers += 1
        return done

    async def _with_stall_limit(self, start: Callable[[], Awaitable[Any]], more: float) -> Any:
        """Cancels a request without progress; the libraries have no time limit for some parts of one."""
        task = asyncio.ensure_future(start())
        transfers, since = self.transfers, time.monotonic()
        while not task.done():
            await asyncio.wait({task}, timeout=_POLL_SECONDS)
            if self.transfers != transfers:
                transfers, since = self.transfers, time.monotonic()
            elif (
                time.monotonic() - since > (patience := self.stall_seconds + more)
                and not task.done()
            ):
                task.cancel()
                await asyncio.wait({task}, timeout=_POLL_SECONDS)
                raise StoreError(f"it did not answer for {patience:.0f} s")
        return task.result()


class _CountTransfers(Callback):
    """Counts the parts of a file that are transferred."""

    def __init__(self, store: ObjectStore) -> None:
        super().__init__()
        self._store = store

    def relative_update(self, inc: int = 1) -> None:
        self._store.transfers += 1

    def absolute_update(self, value: int) -> None:
        self._store.transfers += 1


def _seconds(size: int) -> float:
    """The longest time until there is a sign of progress in a transfer of this size."""
    return min(size, _PARALLEL_PIECES * _PIECE) / _MIN_BYTES_PER_SECOND


def _reason(error: Exception) -> str:
    text = " ".join(str(error).split())
    for name in _SECRETS:
        if len(secret := os.environ.get(name, "")) >= 8:
            text = text.replace(secret, "***")
    return text[:160] or type(error).__name__
