"""Lists as editors on Windows save them: with a byte-order mark, in UTF-16, with other line ends."""

import codecs

import pytest

from jaxfake.data.layouts.registry import DEFAULT_OPTIONS, list_source
from jaxfake.data.layouts.untrusted_input import read_text
from jaxfake.runtime.errors import InputError
from tests.data.layouts.trees import TREES

SAVED = {
    "utf-8 with a mark": lambda text: codecs.BOM_UTF8 + text.encode(),
    "utf-16, little end first": lambda text: codecs.BOM_UTF16_LE + text.encode("utf-16-le"),
    "utf-16, big end first": lambda text: codecs.BOM_UTF16_BE + text.encode("utf-16-be"),
    "line ends of Windows": lambda text: text.replace("\n", "\r\n").encode(),
    "all of it": lambda text: text.replace("\n", "\r\n").encode("utf-16"),
}
WITH_LISTS = sorted(set(TREES) - {"dfd", "wilddeepfake"})


def lists(root):
    return [path for path in root.rglob("*") if path.suffix in (".json", ".txt", ".csv")]


@pytest.mark.parametrize("saved", SAVED.values(), ids=SAVED)
@pytest.mark.parametrize("dataset", WITH_LISTS)
def test_a_list_may_come_from_windows(tmp_path, dataset, saved):
    TREES[dataset](tmp_path)
    before = list_source(dataset, tmp_path, DEFAULT_OPTIONS)
    assert lists(tmp_path)
    for path in lists(tmp_path):
        path.write_bytes(saved(path.read_text()))
    assert list_source(dataset, tmp_path, DEFAULT_OPTIONS) == before


def test_a_table_of_labels_may_come_from_windows(tmp_path):
    TREES["dfdc"](tmp_path)
    part = tmp_path / "dfdc_train_part_0"
    (part / "metadata.json").unlink()
    (part / "labels.csv").write_bytes("filename,label\r\na.mp4,1\r\nr.mp4,0\r\n".encode("utf-16"))
    files = list_source("dfdc", tmp_path, DEFAULT_OPTIONS).files
    assert {file.video_id: file.label for file in files} == {"a": 1, "r": 0}


@pytest.mark.parametrize(
    ("content", "says"),
    [
        ("naïve".encode("latin-1"), "not text in UTF-8 or UTF-16: save it as UTF-8"),
        ("plain".encode("utf-16-le"), "holds zero bytes"),
        (codecs.BOM_UTF16_LE + b"odd", "not text in UTF-8 or UTF-16"),
    ],
)
def test_other_encodings_are_refused_by_name(tmp_path, content, says):
    path = tmp_path / "list.txt"
    path.write_bytes(content)
    with pytest.raises(InputError, match=says) as caught:
        read_text(path, "get it again")
    assert "list.txt" in str(caught.value)
    assert "\n" not in str(caught.value)
