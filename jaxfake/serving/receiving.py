"""Receives the body of a request within limits of size and time, into memory or into a file."""

import asyncio
import contextlib
import time
from collections.abc import AsyncIterator
from pathlib import Path

from starlette.concurrency import run_in_threadpool
from starlette.requests import ClientDisconnect, Request
from starlette.types import Message, Receive

from jaxfake.serving.limits import Limits
from jaxfake.serving.refusal import Refusal

NO_ROOM = "The server's disk has no room for this file."

_PIECE = 1 << 20
"""Bytes that are collected before they are written."""

_MOST_DIGITS = 20
"""Of a length that is looked at: Python refuses to read numbers of thousands of digits."""

_DRAINED_BYTES, _DRAINED_SECONDS = 8 << 20, 2.0
"""What is still read of a refused body. Our choice."""


async def read_small(request: Request, most_bytes: int, seconds: float) -> bytes:
    """The body of a request that can only be small.

    Raises:
        Refusal: it is larger, or it comes too slowly.
    """
    limits = Limits(upload_bytes=most_bytes, upload_seconds=seconds, idle_seconds=seconds)
    too_large = f"This has more than {most_bytes} bytes, the most that is taken."
    return b"".join([piece async for piece in _pieces(request, limits, too_large)])


async def receive_file(request: Request, path: Path, limits: Limits) -> int:
    """Writes the body of a request to a new file and returns its size.

    Raises:
        Refusal: it is too large, comes too slowly or is cut short.
    """
    size = 0
    too_large = f"This file has more than {limits.upload_bytes >> 20} MB, the most that is taken."
    try:
        with path.open("xb") as file:
            async for piece in _pieces(request, limits, too_large):
                size += len(piece)
                await run_in_threadpool(file.write, piece)
    except OSError as error:
        raise Refusal(507, NO_ROOM) from error
    return size


class Body:
    """The body of a request, as it is received."""

    def __init__(self, receive: Receive) -> None:
        self._receive = receive
        self._over = False

    async def receive(self) -> Message:
        """The next message of ASGI."""
        message = await self._receive()
        self._over = message["type"] != "http.request" or not message.get("more_body", False)
        return message

    async def drain(self) -> None:
        """Reads what is left of a refused body, up to a bound: else a browser may not read the answer."""
        left = _DRAINED_BYTES
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(_DRAINED_SECONDS):
                while not self._over and left >= 0:
                    left -= len((await self.receive()).get("body", b""))


async def _pieces(request: Request, limits: Limits, too_large: str) -> AsyncIterator[bytes]:
    """The body in pieces of at least a megabyte, but for the last; the sentence refuses a large one."""
    if _claimed_size(request) > limits.upload_bytes:
        raise Refusal(413, too_large)
    stream = request.stream().__aiter__()
    until = time.monotonic() + limits.upload_seconds
    piece, size = bytearray(), 0
    try:
        while True:
            seconds = min(limits.idle_seconds, until - time.monotonic())
            async with asyncio.timeout(max(seconds, 0.0)):
                part = await anext(stream, None)
            if part is None:
                break
            size += len(part)
            if size > limits.upload_bytes:
                raise Refusal(413, too_large)
            piece += part
            if len(piece) >= _PIECE:
                yield bytes(piece)
                piece.clear()
    except TimeoutError:
        raise Refusal(408, "The upload came too slowly and was ended: send it again.") from None
    except ClientDisconnect:
        raise Refusal(400, "The upload was cut short.") from None  # nobody reads it
    if piece:
        yield bytes(piece)


def _claimed_size(request: Request) -> int:
    claimed = request.headers.get("content-length", "")[:_MOST_DIGITS]
    return int(claimed) if claimed.isascii() and claimed.isdecimal() else 0
