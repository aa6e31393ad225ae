"""Data linked from another disk: refused with the flag that allows it, or followed and said."""

import dataclasses
import os
import shutil

import pytest

from jaxfake.data.layouts import safe_paths
from jaxfake.data.layouts.registry import DEFAULT_OPTIONS, list_source
from jaxfake.data.layouts.safe_paths import LEAVES, walk
from jaxfake.runtime.errors import InputError
from tests.data.layouts.trees import TREES, touch

FOLLOW = dataclasses.replace(DEFAULT_OPTIONS, follow_links=True)
LISTS = (".json", ".txt", ".csv")


@pytest.fixture
def linked(tmp_path):
    """A dataset of which all but the lists is on another disk: whole folders, or each file by itself."""

    def plant(dataset, each_file=False):
        store, source = tmp_path / "store", tmp_path / "source"
        store.mkdir()
        TREES[dataset](store)
        if each_file:
            shutil.copytree(store, source, copy_function=os.symlink)
        else:
            source.mkdir()
            for path in store.iterdir():
                (source / path.name).symlink_to(path)
        for path in store.rglob("*"):
            if path.suffix in LISTS:
                inside = source / path.relative_to(store)
                if inside.is_symlink():
                    inside.unlink()
                    shutil.copy(path, inside)
        return store, source

    return plant


def relatives(listing):
    return [
        (file.relative, file.label, file.split, file.video_id, len(file.frames) or 1)
        for file in listing.files
    ]


@pytest.mark.parametrize("each_file", [False, True])
@pytest.mark.parametrize("dataset", TREES)
def test_links_are_refused_with_the_flag_or_followed_and_said(linked, dataset, each_file):
    store, source = linked(dataset, each_file)
    with pytest.raises(InputError, match=r"holds only links .* give --follow_links") as caught:
        list_source(dataset, source, DEFAULT_OPTIONS)
    assert "\n" not in str(caught.value)
    followed = list_source(dataset, source, FOLLOW)
    assert relatives(followed) == relatives(list_source(dataset, store, DEFAULT_OPTIONS))
    note = followed.caveats[-1]
    assert note.startswith(f"{len(followed.files)} files lie outside of the source")
    assert "--follow_links" in note


def test_a_link_among_files_is_refused_by_name_and_its_mask_with_it(tmp_path):
    (tmp_path / "FF").mkdir()
    TREES["ffpp"](tmp_path / "FF")
    (tmp_path / "elsewhere.mp4").write_bytes(b"")
    fake = tmp_path / "FF/manipulated_sequences/Deepfakes/c23/videos/000_003.mp4"
    mask = fake.parents[2] / "masks/videos/003_000.mp4"
    fake.unlink()
    mask.parent.mkdir(parents=True)
    for link in (fake, mask):
        link.symlink_to(tmp_path / "elsewhere.mp4")
    listing = list_source("ffpp", tmp_path / "FF", DEFAULT_OPTIONS)
    assert [(one.relative, one.reason) for one in listing.refused] == [
        (link.relative_to(tmp_path / "FF").as_posix(), LEAVES) for link in (fake, mask)
    ]
    assert {file.mask for file in listing.files} == {None}
    files = {f.video_id: f for f in list_source("ffpp", tmp_path / "FF", FOLLOW).files}
    assert files["003_000"].mask == mask
    assert files["000_003"].path == fake


def test_a_subset_does_not_count_what_was_refused(tmp_path):
    (tmp_path / "FF").mkdir()
    TREES["ffpp"](tmp_path / "FF")
    fake = tmp_path / "FF/manipulated_sequences/Deepfakes/c23/videos/000_003.mp4"
    fake.rename(tmp_path / "elsewhere.mp4")
    fake.symlink_to(tmp_path / "elsewhere.mp4")
    options = dataclasses.replace(DEFAULT_OPTIONS, subset=True)
    assert "subset: 3 of 6000" in list_source("ffpp", tmp_path / "FF", options).caveats[-1]


def test_a_linked_folder_is_one_line(linked, tmp_path):
    store, source = linked("ffpp")
    (source / "original_sequences").unlink()
    shutil.copytree(store / "original_sequences", source / "original_sequences")
    listing = list_source("ffpp", source, DEFAULT_OPTIONS)
    assert [(one.relative, one.reason) for one in listing.refused] == [
        ("manipulated_sequences", f"{LEAVES}; 2 files are behind it")
    ]


def test_a_link_inside_the_source_needs_no_flag(tmp_path):
    TREES["wilddeepfake"](tmp_path)
    (tmp_path / "real_test/1/real/7/1.png").symlink_to(tmp_path / "real_train/1/real/7/0.png")
    files = list_source("wilddeepfake", tmp_path, DEFAULT_OPTIONS).files
    (clip,) = [file for file in files if file.relative == "real_test/1/real/7"]
    assert [path.name for path in clip.frames] == ["0.png", "1.png"]


def test_a_link_to_a_pipe_is_no_video_even_with_the_flag(tmp_path):
    (tmp_path / "FF").mkdir()
    TREES["ffpp"](tmp_path / "FF")
    os.mkfifo(tmp_path / "pipe")
    place = "original_sequences/youtube/c23/videos/071.mp4"
    (tmp_path / "FF" / place).symlink_to(tmp_path / "pipe")
    (refused,) = list_source("ffpp", tmp_path / "FF", FOLLOW).refused
    assert (refused.relative, refused.reason) == (place, "it is not a regular file")


def walked(root, follow):
    return {path.relative_to(root).as_posix(): why for path, why in walk(root.resolve(), follow)}


def test_a_walk_enters_links_only_if_asked_and_every_folder_once(tmp_path):
    root, other = tmp_path / "root", tmp_path / "other"
    touch(root, "a.jpg", "in/b.jpg", "@eaDir/thumb.jpg", ".hidden/c.jpg")
    touch(other, "d.jpg", "deep/e.jpg")
    (root / "out").symlink_to(other)
    (root / "out2").symlink_to(other)
    (root / "file.jpg").symlink_to(other / "d.jpg")
    (root / "again").symlink_to(root / "in")
    (root / "up").symlink_to(tmp_path)
    (other / "deep/loop").symlink_to(other)
    above = "it is a link to a folder that the source is in"
    seen = {"a.jpg": "", "in/b.jpg": "", "up": above}
    assert walked(root, follow=False) == seen | dict.fromkeys(("out", "out2", "file.jpg"), LEAVES)
    assert walked(root, follow=True) == seen | {
        "file.jpg": "",
        "out/d.jpg": "",
        "out/deep/e.jpg": "",
    }


def test_the_flag_is_named_in_the_refusal():
    assert safe_paths.FLAG in LEAVES


def test_a_folder_of_a_persons_own_may_be_linked(tmp_path):
    touch(tmp_path / "disk", "real/ann.jpg", "fake/bob.jpg", "fake/bob.txt")
    source = tmp_path / "source"
    source.mkdir()
    for name in ("real", "fake"):
        (source / name).symlink_to(tmp_path / "disk" / name)
    with pytest.raises(InputError, match=r"fake: .*--follow_links"):
        list_source("folder", source, DEFAULT_OPTIONS)
    listing = list_source("folder", source, FOLLOW)
    assert [(file.relative, file.label) for file in listing.files] == [
        ("fake/bob.jpg", 1),
        ("real/ann.jpg", 0),
    ]
    assert listing.caveats[-1].startswith(
        "2 files lie outside of the source, by the links fake, real"
    )


def test_a_table_may_name_linked_files(tmp_path):
    touch(tmp_path / "disk", "ann.jpg", "bob.jpg")
    source = tmp_path / "source"
    source.mkdir()
    (source / "in").symlink_to(tmp_path / "disk")
    (source / "table.csv").write_text("path,label\nin/ann.jpg,real\nin/bob.jpg,fake\n")
    options = dataclasses.replace(DEFAULT_OPTIONS, manifest=source / "table.csv")
    with pytest.raises(InputError, match=r"2 of 2 rows .*in/ann.jpg.*--follow_links"):
        list_source("csv", source, options)
    listing = list_source("csv", source, dataclasses.replace(options, follow_links=True))
    assert [file.relative for file in listing.files] == ["in/ann.jpg", "in/bob.jpg"]
