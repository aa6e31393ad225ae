"""Downloads one file over https, within a bounded time and size."""

import http.client
import threading
import time
import urllib.request
from email.message import Message
from pathlib import Path
from typing import IO
from urllib.parse import urlsplit
from urllib.request import Request

from jaxfake.runtime.errors import InputError

_PIECE = 1 << 20
_POLL_SECONDS = 0.2
_SECONDS_OF_SILENCE = 60.0
_PATIENCE = 60.0
_LEAST_BYTES_PER_SECOND = 16 << 10
"""After a minute, all that came must have come at this rate or faster. Our choice: 16 GiB in 12 days."""

_HERE = ("localhost", "127.0.0.1", "::1")
_MOST_SHOWN = 120


def check_url(url: str) -> None:
    """Nobody on the way may exchange what comes: TLS, or a server on this very machine, as of a tunnel.

    Raises:
        InputError: it is another kind of URL.
    """
    parts = urlsplit(url)
    if parts.scheme != "https" and not (parts.scheme == "http" and parts.hostname in _HERE):
        raise InputError(f"{parts.scheme}://{parts.hostname} is refused: give an https: URL")


def brief(url: str) -> str:
    """A URL as messages name it."""
    return url if len(url) <= _MOST_SHOWN else url[: _MOST_SHOWN - 3] + "..."


def download(url: str, target: Path, most_bytes: int) -> None:
    """Writes what is behind a URL to a file.

    Raises:
        InputError: it cannot be had, is larger, or comes too slowly.
    """
    transfer = _Transfer(url, target, most_bytes)
    transfer.start()
    began = time.monotonic()
    while transfer.is_alive():
        transfer.join(_POLL_SECONDS)
        allowed = _PATIENCE + transfer.got / _LEAST_BYTES_PER_SECOND
        if transfer.is_alive() and time.monotonic() - began > allowed:
            transfer.abandoned = True
            raise InputError(
                f"{brief(url)} sent {transfer.got} bytes in {allowed:.0f} s, which is too slow: try again, "
                "or download it by other means and give the file"
            )
    if transfer.failure is not None:
        raise transfer.failure


class _Transfer(threading.Thread):
    """A thread, because a server that sends a byte now and then keeps every single read waiting."""

    def __init__(self, url: str, target: Path, most_bytes: int) -> None:
        super().__init__(name="download", daemon=True)
        self._url, self._target, self._most = url, target, most_bytes
        self.got = 0
        self.abandoned = False
        self.failure: InputError | None = None

    def run(self) -> None:
        try:
            self._transfer()
        except InputError as error:
            self.failure = error
        except (OSError, ValueError, http.client.HTTPException) as error:
            self.failure = InputError(f"{brief(self._url)} cannot be fetched: {error}")

    def _transfer(self) -> None:
        opener = urllib.request.build_opener(_Redirects)
        with (
            opener.open(self._url, timeout=_SECONDS_OF_SILENCE) as response,
            self._target.open("wb") as file,
        ):
            promised = response.headers.get("Content-Length")
            while not self.abandoned and (piece := response.read1(_PIECE)):
                self.got += len(piece)
                if self.got > self._most:
                    raise InputError(f"{brief(self._url)} is refused: more than {self._most} bytes")
                file.write(piece)
        if promised not in (None, str(self.got)):
            raise InputError(
                f"{brief(self._url)} ended after {self.got} of {promised} bytes: try again"
            )


class _Redirects(urllib.request.HTTPRedirectHandler):
    """Follows to where a URL may lead, and no further; never from https to http."""

    def redirect_request(
        self, req: Request, fp: IO[bytes], code: int, msg: str, headers: Message, newurl: str
    ) -> Request | None:
        try:
            self._check(req, newurl)
        except InputError:
            fp.close()
            raise
        return super().redirect_request(req, fp, code, msg, headers, newurl)  # type: ignore[arg-type]

    @staticmethod
    def _check(req: Request, newurl: str) -> None:
        check_url(newurl)
        if req.full_url.lower().startswith("https:") and not newurl.lower().startswith("https:"):
            raise InputError(f"{brief(req.full_url)} leads to an http: URL, which is refused")
