"""Which files are asked about, and why others are refused."""

import os
from pathlib import Path

import pytest

from jaxfake.inference.asked_files import list_files
from jaxfake.runtime.errors import InputError
from tests.data.preparation import stand_in


def names(folder: Path, *named: Path, numbering=None):
    found = list_files(named or (folder,), numbering)
    return {os.path.relpath(one.path, folder): (one.kind, one.refusal) for one in found}


def test_every_photograph_and_video_of_a_folder_is_asked_about(tmp_path):
    stand_in.source(tmp_path)
    (tmp_path / "notes.txt").write_text("no face")
    (tmp_path / "real" / "@eaDir").mkdir()
    found = names(tmp_path)
    assert len(found) == 10
    assert set(found.values()) == {("photograph", ""), ("video", "")}


def test_names_that_speak_of_labels_and_people_are_no_mistake(tmp_path):
    for name in ("real/train/a.png", "fake/b.png", "x/real/c.png", "0/d.png", "1/e.png"):
        stand_in.picture(tmp_path / name, 1)
    assert len(names(tmp_path)) == 5


def test_a_folder_of_frames_is_one_clip(tmp_path):
    for number in range(3):
        stand_in.picture(tmp_path / "clip" / f"frame_{number:04}.png", number)
    assert names(tmp_path) == {"clip": ("frames", "")}
    assert len(names(tmp_path, numbering="photos")) == 3


def test_pictures_that_are_not_decoded_are_named(tmp_path):
    stand_in.picture(tmp_path / "a.png", 1)
    (tmp_path / "b.gif").write_bytes(b"GIF89a" + bytes(20))
    (tmp_path / "c").write_bytes(b"PK\x03\x04" + bytes(20))
    found = names(tmp_path)
    assert found["a.png"] == ("photograph", "")
    assert "a kind that is not decoded" in found["b.gif"][1]
    assert "archive" in found["c"][1]


def test_what_is_not_a_picture_is_refused_where_it_is_named(tmp_path):
    (tmp_path / "text.c").write_text("int main;")
    (tmp_path / "empty").mkdir()
    os.mkfifo(tmp_path / "pipe")
    found = names(tmp_path, *(tmp_path / name for name in ("text.c", "empty", "pipe")))
    assert "its kind: text" in found["text.c"][1]
    assert found["empty"][1] == "it holds no photograph or video that can be read"
    assert found["pipe"][1] == "it is not a regular file"


def test_a_file_that_is_named_twice_is_asked_about_once(tmp_path):
    stand_in.picture(tmp_path / "a.png", 1)
    assert len(names(tmp_path, tmp_path / "a.png", tmp_path, tmp_path / "a.png")) == 1


def test_the_folder_of_results_is_not_asked_about(tmp_path):
    stand_in.picture(tmp_path / "a.png", 1)
    stand_in.picture(tmp_path / "out" / "pictures" / "b.png", 1)
    found = list_files((tmp_path,), out=tmp_path / "out")
    assert [one.path for one in found] == [str(tmp_path / "a.png")]


def test_a_name_that_is_not_utf8_is_written_with_escapes(tmp_path):
    path = tmp_path / os.fsdecode(b"a\xff.png")
    stand_in.picture(tmp_path / "a.png", 1)
    (tmp_path / "a.png").rename(path)
    (found,) = list_files((path,))
    assert found.path == str(tmp_path / r"a\xff.png")
    assert found.source.path == path


def test_a_file_that_does_not_exist_is_a_mistake(tmp_path):
    with pytest.raises(InputError, match="there is no file"):
        list_files((tmp_path / "nothing",))
