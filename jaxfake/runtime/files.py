"""Writing a file so that a kill leaves either the old one or the new one, never half of one."""

import hashlib
import os
import tempfile
from pathlib import Path


def write_atomically(path: Path, content: str | bytes) -> None:
    """Replaces `path` by `content` in one step; the folder must exist."""
    data = content.encode() if isinstance(content, str) else content
    with tempfile.NamedTemporaryFile(
        dir=path.parent, prefix=f".{path.name}.", delete=False
    ) as file:
        file.write(data)
        file.flush()
        os.fsync(file.fileno())
    os.chmod(file.name, 0o644)
    os.replace(file.name, path)


def sha256(path: Path) -> str:
    """Digest of a file's content."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def is_number(name: str) -> bool:
    """Whether a name is a whole number as Python writes it, as the names of checkpoints are."""
    return name.isascii() and name.isdecimal() and name == str(int(name))


def cache_folder() -> Path:
    """Where files are kept that can be made or fetched again: `jaxfake` in the user's cache folder."""
    base = os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache"
    return Path(base) / "jaxfake"
