"""A URL of a store: what can be reached by it, and one line for what cannot."""

from pathlib import Path

import pytest

from jaxfake.runtime.errors import InputError
from jaxfake.store.filesystem import open_filesystem


def test_a_folder_of_this_machine_is_a_store(tmp_path: Path) -> None:
    files, root = open_filesystem(f"file://{tmp_path}/runs/", 1.0)
    assert root == f"{tmp_path}/runs"
    files.pipe_file(f"{root}/a/b", b"content")
    assert (tmp_path / "runs" / "a" / "b").read_bytes() == b"content"


@pytest.mark.parametrize(
    ("url", "said"),
    [
        ("runs/mover", "such as s3://bucket/runs/mover"),
        ("s3://", "such as s3://bucket/runs/mover"),
        ("s3://key:secret@bucket/runs", "leave credentials to the environment"),
        ("nowhere://bucket/runs", "nowhere"),
    ],
)
def test_what_cannot_be_a_store_is_one_line(url: str, said: str) -> None:
    with pytest.raises(InputError, match=said) as error:
        open_filesystem(url, 1.0)
    assert "\n" not in str(error.value)
    assert "secret" not in str(error.value)
