"""Signs the last link of a record with a key of the user's own: Ed25519, by the library `cryptography`.

A signature shows that the holder of the key has made the record, or has seen it. Whose key it is, is for
people to know.
"""

import importlib.util
from pathlib import Path
from typing import TYPE_CHECKING

from jaxfake.inference.record import Record
from jaxfake.runtime.errors import InputError
from jaxfake.runtime.files import read_bounded, write_atomically

if TYPE_CHECKING:
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

FILE = "record.sig"
_MOST_BYTES = 1 << 16
_PURPOSE = b"jaxfake record\n"
"""Begins what is signed, so that a signature for something else is none for a record."""


def check_key(key_file: Path) -> None:
    """Checks, before any work is done, that a record can be signed with the key in a file.

    Raises:
        InputError: it cannot; the message says why.
    """
    _private_key(key_file)


def sign(out: Path, record: Record, key_file: Path) -> None:
    """Writes the signature of a record beside it.

    Raises:
        InputError: the file does not hold such a key.
    """
    signature = _private_key(key_file).sign(_signed(record))
    write_atomically(out / FILE, signature.hex() + "\n")


def fault(out: Path, record: Record, public_key_file: Path) -> str:
    """Why the signature of a record is not by this key; '' if it is.

    Raises:
        InputError: there is no signature, or the file holds no public key.
    """
    _check_installed()
    from cryptography.exceptions import InvalidSignature
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey
    from cryptography.hazmat.primitives.serialization import load_pem_public_key

    try:
        key = load_pem_public_key(_read(public_key_file))
    except ValueError as error:
        raise InputError(f"{public_key_file} is not a public key in PEM") from error
    if not isinstance(key, Ed25519PublicKey):
        raise InputError(f"{public_key_file} is not an Ed25519 key")
    try:
        key.verify(
            bytes.fromhex(_read(out / FILE).decode("ascii", "replace").strip()), _signed(record)
        )
    except (InvalidSignature, ValueError):
        return f"{FILE} is not the signature of this record by the key in {public_key_file}"
    return ""


def _check_installed() -> None:
    if importlib.util.find_spec("cryptography") is None:
        raise InputError("signatures need a library that is missing: pip install cryptography")


def _private_key(key_file: Path) -> "Ed25519PrivateKey":
    _check_installed()
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
    from cryptography.hazmat.primitives.serialization import load_pem_private_key

    content = _read(key_file)
    try:
        key = load_pem_private_key(content, password=None)
    except (ValueError, TypeError) as error:
        raise InputError(f"{key_file} is not a private key in PEM without a password") from error
    if not isinstance(key, Ed25519PrivateKey):
        raise InputError(f"{key_file} is not an Ed25519 key: openssl genpkey -algorithm ed25519")
    return key


def _signed(record: Record) -> bytes:
    return _PURPOSE + record.last.encode()


def _read(path: Path) -> bytes:
    try:
        return read_bounded(path, _MOST_BYTES)
    except FileNotFoundError:
        raise InputError(f"there is no file {path}") from None
