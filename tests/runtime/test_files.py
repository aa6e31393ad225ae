"""Files that may come from anyone: only regular ones, and no more of them than they can need."""

import os
import socket
from collections.abc import Callable
from pathlib import Path

import pytest

from jaxfake.runtime.errors import InputError
from jaxfake.runtime.files import open_regular, read_bounded, read_json, sha256


def _listening(path: Path) -> None:
    with socket.socket(socket.AF_UNIX) as server:
        os.chdir(path.parent)  # a socket's path may have 108 bytes, fewer than the test's folder
        server.bind(path.name)


SPECIAL: dict[str, Callable[[Path], None]] = {
    "pipe": os.mkfifo,
    "device": lambda path: path.symlink_to("/dev/zero"),
    "folder": lambda path: path.mkdir(),
    "socket": _listening,
}


@pytest.mark.parametrize("kind", SPECIAL)
def test_what_is_not_a_regular_file_is_refused_at_once(
    kind: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    path = tmp_path / "config.json"
    SPECIAL[kind](path)
    for read in (
        open_regular,
        sha256,
        lambda at: read_bounded(at, 10),
        lambda at: read_json(at, 10),
    ):
        with pytest.raises(InputError, match=r"config.json is .*, not a regular file"):
            read(path)


def test_a_file_is_read_to_its_end_or_not_at_all(tmp_path: Path) -> None:
    path = tmp_path / "metadata"
    path.write_bytes(b"0123456789")
    assert read_bounded(path, 10) == b"0123456789"
    with pytest.raises(InputError, match="metadata has more than 9 bytes"):
        read_bounded(path, 9)
    with pytest.raises(FileNotFoundError):
        read_bounded(tmp_path / "absent", 10)
    with pytest.raises(InputError, match=r"below cannot be read: Not a directory"):
        read_bounded(path / "below", 10)


@pytest.mark.parametrize(
    ("content", "why"),
    [
        (b"", "not JSON"),
        (b'{"a": ', "not JSON"),
        (b"\xff\xfe\x00", "not JSON"),
        (b"[" * 200_000, "nested too deeply"),
    ],
)
def test_json_that_is_damaged_is_named(content: bytes, why: str, tmp_path: Path) -> None:
    path = tmp_path / "coverage.json"
    path.write_bytes(content)
    with pytest.raises(InputError, match=rf"coverage.json is damaged: .*{why}"):
        read_json(path, 1 << 20)
    path.write_bytes(b'{"a": [1, null]}')
    assert read_json(path, 1 << 20) == {"a": [1, None]}
