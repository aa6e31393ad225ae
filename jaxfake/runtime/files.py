"""Files: bounded reads, atomic writes, digests, names and the cache folder.

A file of a run, a dataset or a store may come from anyone. It is read by `open_regular`, `read_bounded` or
`read_json`, which never wait for a file that is not a regular one, and never take more memory than the
caller says such a file can need.
"""

import contextlib
import hashlib
import io
import itertools
import json
import os
import stat
import tempfile
from pathlib import Path
from typing import Any

from jaxfake.runtime.errors import InputError


def open_regular(path: Path) -> io.BufferedReader:
    """Opens a regular file for reading; a named pipe or a device would wait for ever, or never end.

    Raises:
        FileNotFoundError: there is no such file.
        InputError: it is not a regular file, or cannot be opened; the message names it.
    """
    try:
        _check_regular(os.stat(path).st_mode, path)  # opening some devices already does something
        file = os.fdopen(os.open(path, os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC), "rb")
        try:
            _check_regular(os.fstat(file.fileno()).st_mode, path)
        except BaseException:
            file.close()
            raise
        return file
    except FileNotFoundError:
        raise
    except OSError as error:
        raise InputError(f"{path} cannot be read: {error.strerror}") from error
    except ValueError as error:  # a zero byte in the name
        raise InputError(f"{str(path)!r} cannot be read: {error}") from error


def read_bounded(path: Path, most_bytes: int) -> bytes:
    """The whole content of a regular file.

    Args:
        path: the file.
        most_bytes: the most that such a file can honestly have.

    Raises:
        FileNotFoundError: there is no such file.
        InputError: it is larger, not a regular file, or cannot be read; the message names it.
    """
    try:
        with open_regular(path) as file:
            content = file.read(most_bytes + 1)
    except FileNotFoundError:
        raise
    except OSError as error:
        raise InputError(f"{path} cannot be read: {error.strerror}") from error
    if len(content) > most_bytes:
        raise InputError(
            f"{path} has more than {most_bytes} bytes, the most that such a file can need: it is not read"
        )
    return content


def read_json(path: Path, most_bytes: int) -> Any:
    """The value in a JSON file, which is not checked further.

    Raises:
        FileNotFoundError: there is no such file.
        InputError: see `read_bounded`; or it is not JSON; the message names the file.
    """
    try:
        return json.loads(read_bounded(path, most_bytes))
    except RecursionError:
        raise InputError(f"{path} is damaged: its values are nested too deeply") from None
    except ValueError as error:
        raise InputError(f"{path} is damaged: it is not JSON ({error})") from error


def _check_regular(mode: int, path: Path) -> None:
    if not stat.S_ISREG(mode):
        kind = "a folder" if stat.S_ISDIR(mode) else "a pipe, a device or a socket"
        raise InputError(f"{path} is {kind}, not a regular file: it is not read")


def refuse_links(root: Path, folder: Path) -> None:
    """Checks that nothing written to a folder below a root can end up outside of the root.

    Args:
        root: a folder that the user named; it may be a link itself.
        folder: below it; it need not exist.

    Raises:
        InputError: a folder on the way, or anything in the folder, is a link; the message names it.
    """
    way = [root / part for part in _beginnings(folder.relative_to(root))]
    below = (
        Path(place, name) for place, dirs, files in os.walk(folder) for name in (*dirs, *files)
    )
    for path in (*way, *below):
        if path.is_symlink():
            raise InputError(
                f"{path} is a link, and what is written to {root} must stay there: remove the link, or "
                "name another folder with --out"
            )


def _beginnings(path: Path) -> list[Path]:
    """'a', 'a/b' and 'a/b/c' for 'a/b/c'."""
    return [*reversed(path.parents), path][1:]


def write_atomically(path: Path, content: str | bytes) -> None:
    """Replaces a file in one step: a kill leaves the old content or the new, never a part of it.

    The folder must exist.
    """
    data = content.encode() if isinstance(content, str) else content
    with tempfile.NamedTemporaryFile(
        dir=path.parent, prefix=f".{path.name}.", delete=False
    ) as file:
        try:
            file.write(data)
            file.flush()
            os.fsync(file.fileno())
            os.chmod(file.name, 0o644)
            os.replace(file.name, path)
        except BaseException:
            with contextlib.suppress(OSError):
                os.unlink(file.name)  # on a full disk it would take the room of the next try
            raise


def set_aside(path: Path) -> Path:
    """Gives a file or folder that is damaged a hidden name beside its own, and returns that."""
    for number in itertools.count():
        aside = path.with_name(f".{path.name}.damaged{number or ''}")
        if not os.path.lexists(aside):
            return path.rename(aside)
    raise AssertionError


def sha256(path: Path) -> str:
    """Hex digest of a file's content.

    Raises:
        FileNotFoundError, InputError: see `open_regular`.
    """
    with open_regular(path) as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def expand_home(path: str) -> str:
    """A path, or the URL of a file, with `~` at its beginning replaced by the home folder."""
    scheme = "file://" if path.startswith("file://~") else ""
    return scheme + os.path.expanduser(path.removeprefix(scheme))


def is_number(name: str) -> bool:
    """Whether a name is a whole number as Python prints it; checkpoints have such names."""
    return name.isascii() and name.isdecimal() and name == str(int(name))


def cache_folder() -> Path:
    """The folder for files that can be fetched again: `jaxfake` in the user's cache folder."""
    base = os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache"
    return Path(base) / "jaxfake"
