"""A coverage.json of a stranger is named where its values are of other kinds than are written."""

import json
import os
from pathlib import Path
from typing import Any

import pytest

from jaxfake.data.preparation import coverage
from jaxfake.runtime.errors import InputError

GOOD: dict[str, Any] = {
    "dataset": "clips",
    "settings": {},
    "source": {},
    "versions": {},
    "manifest": "m",
    "coverage": {"test": {"real": {"found": 1}}},
    "files": [
        {"file": "a.mp4", "status": "refused: it is a link"},
        {
            "file": "b.mp4",
            "status": "no_face",
            "split": "test",
            "method": "real",
            "label": 0,
            "video_id": "b",
            "identity": "b",
        },
    ],
}


def _written(folder: Path, content: Any) -> None:
    (folder / coverage.FILE_NAME).write_text(json.dumps(content))


def test_what_is_written_is_read(tmp_path: Path) -> None:
    assert coverage.load(tmp_path) is None
    _written(tmp_path, GOOD)
    found = coverage.load(tmp_path)
    assert found is not None
    assert (found.dataset, found.files) == ("clips", GOOD["files"])


def _entry(**changes: object) -> dict[str, Any]:
    return GOOD | {"files": [GOOD["files"][1] | changes]}


@pytest.mark.parametrize(
    ("content", "why"),
    [
        ([1], "must be a group of keys"),
        ("text", "must be a group of keys"),
        (GOOD | {"files": {}}, r"coverage\.files must be"),
        (GOOD | {"files": [1]}, r"files\[0\] is not a group"),
        (GOOD | {"dataset": 3}, r"coverage\.dataset must be"),
        (GOOD | {"coverage": {"test": 3}}, r"coverage\.test is not a group"),
        (GOOD | {"coverage": {"test": {"real": {"found": "1"}}}}, r"real\.found is not a number"),
        (GOOD | {"written": {"a": 1}}, r"written\.a is not a text"),
        (GOOD | {"sha256": "0" * 64}, "it differs from what was written"),
        (GOOD | {"novel": 1}, r"coverage\.novel is not a known key"),
        (_entry(status=["no_face"]), r"files\[0\]\.status is not a text"),
        (_entry(identity=None), r"files\[0\]\.identity is not a text"),
        (_entry(label="0"), r"files\[0\]\.label is not one of"),
        (_entry(label=7), r"files\[0\]\.label is not one of"),
        (_entry(label=True), r"files\[0\]\.label is not one of"),
    ],
)
def test_another_kind_of_value_is_named(content: Any, why: str, tmp_path: Path) -> None:
    _written(tmp_path, content)
    with pytest.raises(
        InputError, match=rf"coverage.json is damaged: .*{why}.*prepare the dataset"
    ):
        coverage.load(tmp_path)
    assert coverage.read(tmp_path) is None
    with pytest.raises(InputError, match=r"coverage.json is damaged"):
        coverage.manifest(tmp_path / "folder" / "1.0.0")


def test_what_is_not_a_file_or_too_deep_is_named(tmp_path: Path) -> None:
    path = tmp_path / coverage.FILE_NAME
    path.write_text("[" * 100_000)
    with pytest.raises(
        InputError, match=r"coverage.json is damaged: its values are nested too deeply"
    ):
        coverage.load(tmp_path)
    path.unlink()
    os.mkfifo(path)
    with pytest.raises(InputError, match=r"coverage.json is a pipe"):
        coverage.load(tmp_path)
