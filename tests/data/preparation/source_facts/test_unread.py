"""Whatever is not read is counted and named, in every layout."""

import dataclasses

import cv2
import numpy as np
import pytest

from jaxfake.data.layouts.registry import DEFAULT_OPTIONS, list_source
from jaxfake.data.preparation import coverage, coverage_text
from jaxfake.data.preparation.coverage import CoverageRow
from jaxfake.data.preparation.crop_files import CropStatus
from jaxfake.data.preparation.source_facts import unread
from jaxfake.data.preparation.source_facts.unread import Search, Unread
from tests.data.layouts.trees import TREES, touch

PICTURE = cv2.imencode(".png", np.zeros((8, 8, 3), np.uint8))[1].tobytes()
AVIF = b"\0\0\0\x20ftypavif\0\0\0\0avifmif1miaf"
WITH_A_FACE = CropStatus(1, 1, 1, 0, 9, "")


def fill(root, **contents):
    for name, content in contents.items():
        path = root / name.replace("__", "/").replace("_dot_", ".")
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content)


def found(root, dataset="folder", **options):
    listing = list_source(dataset, root, dataclasses.replace(DEFAULT_OPTIONS, **options))
    search = Search(
        root,
        root / "out",
        text=dataset == "folder",
        beside_only=dataset == "csv",
        follow_links=bool(options.get("follow_links")),
    )
    return listing, unread.find(search, listing)


def counted(listing, left):
    """As if every file of the listing had given a face."""
    files = [dataclasses.replace(file, split=file.split or "train") for file in listing.files]
    rows = [CoverageRow(file, file.split, WITH_A_FACE) for file in files]
    return coverage.summarise("x", {}, {}, "", listing, rows, left=left)


@pytest.fixture
def pictures(tmp_path):
    """One picture of a kind that is read, and others that are not."""
    fill(
        tmp_path,
        f_dot_jpg=PICTURE,
        c_dot_avif=AVIF,
        d_dot_gif=b"GIF89a\x08\0\x08\0",
        g=b"GIF89a\x08\0\x08\0",
        clip_dot_FLV=b"FLV\x01\x05",
        notes_dot_txt=b"a note",
        Thumbs_dot_db=b"\xd0\xcf\x11\xe0",
        sub__raw_dot_bin=b"\x93\x01\x02\x03",
    )
    fill(tmp_path / "@eaDir", f_dot_avif=AVIF)
    return tmp_path


def test_every_kind_is_counted_and_named(pictures):
    _, left = found(pictures)
    assert left.kinds == {
        ".avif": 1,
        ".bin": 1,
        ".flv": 1,
        ".gif": 1,
        ".txt": 1,
        "no suffix (picture of a kind that is not decoded)": 1,
    }
    assert left.names == ["c.avif", "clip.FLV", "d.gif", "g", "notes.txt", "sub/raw.bin"]
    assert left.may_show_faces == 5
    assert left.elsewhere == {}


def test_it_is_said_in_one_line_and_written_down(pictures):
    result = counted(*found(pictures))
    line = coverage_text.remarks(result)[0]
    assert line.startswith("6 files of kinds that are not read: .avif 1, .bin 1, .flv 1, .gif 1, ")
    assert "convert" in line
    assert line.endswith(": c.avif, clip.FLV, d.gif, g, notes.txt and 1 more")
    assert result.unread["names"][-1] == "sub/raw.bin"


def test_strict_counts_what_may_show_a_face(pictures):
    result = counted(*found(pictures))
    said = coverage.too_few(result, 0.5)
    assert said.startswith("1 of 6 files gave a face, fewer than 50.0%; 5 are of kinds")
    assert coverage.too_few(result, 0.1) == ""
    for name in ("c.avif", "d.gif", "g", "clip.FLV", "sub/raw.bin"):
        (pictures / name).unlink()
    assert coverage.too_few(counted(*found(pictures)), 1.0) == ""  # a note shows no face


def test_strict_counts_what_was_refused(tmp_path):
    fill(tmp_path / "in", a_dot_jpg=PICTURE)
    fill(tmp_path / "out", b_dot_jpg=PICTURE)
    (tmp_path / "in/b.jpg").symlink_to(tmp_path / "out/b.jpg")
    assert "1 of 2 files gave a face" in coverage.too_few(counted(*found(tmp_path / "in")), 1.0)


def test_pictures_of_any_name_are_read_and_not_counted(tmp_path):
    for name in ("photo1", "photo2.jpg?size=large", "photo3.jfif", "photo4.jpe", "photo5.txt"):
        (tmp_path / name).write_bytes(PICTURE)
    listing, left = found(tmp_path)
    assert len(listing.files) == 5
    assert left == Unread()


def test_names_are_bounded_and_all_are_counted(tmp_path):
    fill(tmp_path, a_dot_jpg=PICTURE)
    touch(tmp_path, *(f"{n:03}.dat" for n in range(unread.MOST_NAMES + 20)))
    _, left = found(tmp_path)
    assert len(left.names) == unread.MOST_NAMES
    assert left.kinds == {".dat": unread.MOST_NAMES + 20}


@pytest.mark.parametrize("dataset", TREES)
def test_of_an_official_tree_nothing_is_left_over(tmp_path, dataset):
    TREES[dataset](tmp_path)
    assert found(tmp_path, dataset)[1] == Unread()


@pytest.mark.parametrize("dataset", TREES)
def test_pictures_of_other_kinds_are_named_in_official_trees_too(tmp_path, dataset):
    TREES[dataset](tmp_path)
    (tmp_path / "more").mkdir()
    (tmp_path / "more/poster.avif").write_bytes(AVIF)
    (tmp_path / "more/read_me.txt").write_text("about the dataset")
    _, left = found(tmp_path, dataset)
    assert (left.kinds, left.names) == ({".avif": 1}, ["more/poster.avif"])


def test_another_compression_is_named_by_its_folder(tmp_path):
    TREES["ffpp"](tmp_path)
    touch(tmp_path, *(f"original_sequences/youtube/c40/videos/{n}.mp4" for n in ("000", "003")))
    result = counted(*found(tmp_path, "ffpp"))
    assert result.unread["elsewhere"] == {"original_sequences/youtube/c40/videos": 2}
    assert coverage_text.remarks(result)[0] == (
        "pictures and videos in places that are not read: original_sequences/youtube/c40/videos/ 2"
    )


def test_a_file_among_the_frames_of_a_clip_is_named(tmp_path):
    TREES["ffpp"](tmp_path)
    videos = tmp_path / "original_sequences/youtube/c23/videos"
    (videos / "000.mp4").unlink()
    (videos / "000").mkdir()
    (videos / "000/0000.png").write_bytes(PICTURE)
    (videos / "000/0001.avif").write_bytes(AVIF)
    _, left = found(tmp_path, "ffpp")
    assert left.names == ["original_sequences/youtube/c23/videos/000/0001.avif"]


def test_what_is_refused_is_not_counted_again(tmp_path):
    TREES["dfdc"](tmp_path)
    touch(tmp_path, "test_videos/u.mp4", "dfdc_train_part_0/stray.avif")
    assert found(tmp_path, "dfdc")[1] == Unread()


def test_a_dataset_that_is_written_into_its_source_is_no_part_of_it(tmp_path):
    fill(tmp_path, a_dot_jpg=PICTURE, out__folder__1__part_dot_array_record=b"\x93\x01")
    assert found(tmp_path)[1] == Unread()


def test_beside_a_table_only_the_folders_that_it_names_are_looked_into(tmp_path):
    fill(tmp_path, in__a_dot_jpg=PICTURE, in__b_dot_avif=AVIF, in__c_dot_jpg=PICTURE)
    fill(tmp_path, other__d_dot_avif=AVIF)
    (tmp_path / "in/table.csv").write_text("path,label\nin/a.jpg,real\n")
    _, left = found(tmp_path, "csv", manifest=tmp_path / "in/table.csv")
    assert (left.names, left.elsewhere) == (["in/b.avif"], {"in": 1})


def test_videos_behind_a_link_inside_the_source_are_read_and_not_left_over(tmp_path):
    TREES["ffpp"](tmp_path)
    videos = tmp_path / "original_sequences/youtube/c23/videos"
    videos.rename(tmp_path / "store")
    videos.symlink_to(tmp_path / "store")
    listing, left = found(tmp_path, "ffpp")
    assert len(listing.files) == 4
    assert left == Unread()


@pytest.mark.parametrize("dataset", ["folder", "csv"])
def test_what_is_behind_a_followed_link_is_counted_too(tmp_path, dataset):
    fill(tmp_path / "disk", a_dot_jpg=PICTURE, b_dot_avif=AVIF)
    fill(tmp_path / "source", table_dot_csv=b"path,label\nin/a.jpg,real\n")
    (tmp_path / "source/in").symlink_to(tmp_path / "disk")
    table = {"manifest": tmp_path / "source/table.csv"} if dataset == "csv" else {}
    _, left = found(tmp_path / "source", dataset, follow_links=True, **table)
    assert "in/b.avif" in left.names
    assert left.may_show_faces == 1
