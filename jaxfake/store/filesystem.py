"""Opens a store by its URL with a library of fsspec (s3fs, gcsfs and others) and its time limits."""

import logging
from typing import Any, NamedTuple
from urllib.parse import urlsplit

import fsspec

from jaxfake.runtime.errors import InputError

_CONNECT_SECONDS = 10.0
_EXTRAS = {"s3": "s3", "s3a": "s3", "gs": "gcs", "gcs": "gcs"}


class StoreFilesystem(NamedTuple):
    """The library, and the path in the store that the URL points to."""

    files: fsspec.AbstractFileSystem
    root: str


def open_filesystem(url: str, longest: float) -> StoreFilesystem:
    """Opens a store, without a request to it yet.

    Args:
        url: such as s3://bucket/runs/mover.
        longest: seconds that one request may take.

    Raises:
        InputError: it is not a URL, or no installed library can reach such a store.
    """
    parts = urlsplit(url)
    if not parts.scheme or not (parts.netloc or parts.path.strip("/")):
        raise InputError(f"--store={url} is not a URL such as s3://bucket/runs/mover")
    if "@" in parts.netloc:
        raise InputError(
            "--store: leave credentials to the environment; they do not belong in a URL"
        )
    try:
        files, root = fsspec.url_to_fs(url, **_options(parts.scheme, longest))
    except ImportError as error:
        extra = _EXTRAS.get(parts.scheme)
        hint = f"pip install -e '.[{extra}]' -c constraints.txt" if extra else str(error)
        raise InputError(f"--store={url} needs a package that is not installed: {hint}") from None
    except ValueError as error:
        raise InputError(f"--store={url}: {error}") from None
    return StoreFilesystem(files, root.rstrip("/"))


def _options(scheme: str, longest: float) -> dict[str, Any]:
    common = {"use_listings_cache": False, "skip_instance_cache": True}
    match _EXTRAS.get(scheme):
        case "s3":
            return {
                **common,
                "config_kwargs": {
                    "connect_timeout": _CONNECT_SECONDS,
                    "read_timeout": longest,
                    "retries": {"total_max_attempts": 2},
                },
            }
        case "gcs":
            # It would warn at every call that it does not know the kind of the bucket.
            logging.getLogger("gcsfs").setLevel(logging.ERROR)
            return {**common, "requests_timeout": longest}
        case _:
            return {**common, "auto_mkdir": True} if scheme == "file" else common
