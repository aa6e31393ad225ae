"""What the server must keep to itself: a key for signatures, and the token by which people are let in."""

import hashlib
import hmac
import os
import secrets
from pathlib import Path

from jaxfake.runtime.errors import InputError
from jaxfake.runtime.files import read_bounded

_MOST_BYTES = 1000
_SHORTEST = 16


def kept_secret(file: Path) -> str:
    """The one line in a file that only its owner can read; made if it is not there.

    So links and cookies outlive a restart. Whoever deletes the file takes all access back.

    Raises:
        InputError: the line is too short to be a secret, or is not one line of plain letters.
    """
    try:
        number = os.open(file, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW, 0o600)
    except FileExistsError:
        return _read(file)
    with os.fdopen(number, "w") as opened:
        made = secrets.token_urlsafe(32)
        opened.write(f"{made}\n")
    return made


def _read(file: Path) -> str:
    try:
        text = read_bounded(file, _MOST_BYTES).decode("ascii").strip()
    except UnicodeDecodeError:
        text = ""
    if len(text) < _SHORTEST or not text.isprintable() or " " in text:
        raise InputError(
            f"{file} must hold one line of at least {_SHORTEST} letters, digits and signs: delete it, and "
            "another is made"
        )
    return text


def sign(key: str, purpose: str, text: str) -> str:
    """A signature that only who knows the key can make: 64 hex digits, SHA-256 by HMAC."""
    return hmac.new(key.encode(), f"{purpose}\0{text}".encode(), hashlib.sha256).hexdigest()


def is_same(given: str, expected: str) -> bool:
    """Whether two texts are the same; it takes as long whichever letter differs."""
    return hmac.compare_digest(given.encode(), expected.encode())
