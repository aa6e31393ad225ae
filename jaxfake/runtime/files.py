"""Files: atomic writes, digests, names and the cache folder."""

import hashlib
import itertools
import os
import tempfile
from pathlib import Path


def write_atomically(path: Path, content: str | bytes) -> None:
    """Replaces a file in one step: a kill leaves the old content or the new, never a part of it.

    The folder must exist.
    """
    data = content.encode() if isinstance(content, str) else content
    with tempfile.NamedTemporaryFile(
        dir=path.parent, prefix=f".{path.name}.", delete=False
    ) as file:
        file.write(data)
        file.flush()
        os.fsync(file.fileno())
    os.chmod(file.name, 0o644)
    os.replace(file.name, path)


def set_aside(path: Path) -> Path:
    """Gives a file or folder that is damaged a hidden name beside its own, and returns that."""
    for number in itertools.count():
        aside = path.with_name(f".{path.name}.damaged{number or ''}")
        if not os.path.lexists(aside):
            return path.rename(aside)
    raise AssertionError


def sha256(path: Path) -> str:
    """Hex digest of a file's content."""
    with path.open("rb") as file:
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
