"""Frames of clips and photographs, told apart by numbers and names."""

import pytest

from jaxfake.data.layouts.own_files.folder import list_folder
from jaxfake.data.layouts.own_files.numbered import series_of
from jaxfake.runtime.errors import InputError


@pytest.fixture
def tree(tmp_path):
    def make(*relatives: str):
        for relative in relatives:
            path = tmp_path / "data" / relative
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(relative.encode())
        return tmp_path / "data"

    return make


def frames(folder, name="{:04}.png", count=3, start=0):
    return [f"{folder}/{name.format(n)}" for n in range(start, start + count)]


def clips(listing):
    """How many frames each clip has; 0 for a file by itself."""
    return {file.relative: len(file.frames) for file in listing.files}


@pytest.mark.parametrize("name", ["frame_{:04}.jpg", "{}.png", "img{:03}.jpg", "{:05}.jpg"])
def test_folders_of_numbered_pictures_are_clips(tree, name):
    folders = ["real/vid0", "real/vid1", "fake/vid0_x", "fake/vid1_x"]
    listing = list_folder(tree(*(one for folder in folders for one in frames(folder, name, 12))))
    assert clips(listing) == dict.fromkeys(sorted(folders), 12)
    files = {file.relative: file for file in listing.files}
    assert {file.method for file in listing.files} == {"real", "fake"}
    assert files["real/vid0"].identity == files["fake/vid0_x"].identity == "vid0"
    assert files["real/vid0"].video_id == "real/vid0"
    assert files["real/vid0"].path.name == "vid0"
    assert [path.name for path in files["real/vid0"].frames][-2:] == [
        name.format(10),
        name.format(11),
    ]
    assert "48 numbered pictures" in listing.notes[0]


def test_methods_and_splits_stand_above_clips(tree):
    root = tree(
        *frames("train/real/000"),
        *frames("train/fake/Deepfakes/000_003"),
        *frames("train/fake/FaceSwap/000_003/frames"),
        *frames("test/real/003x"),
    )
    listing = list_folder(root)
    assert {(file.method, len(file.frames)) for file in listing.files} == {
        ("real", 3),
        ("Deepfakes", 3),
        ("FaceSwap", 3),
    }


def test_numbered_photographs_of_a_label_or_a_method_stay_photographs(tree):
    root = tree(
        *frames("0_real", "{}.jpg"),
        *frames("1_fake/GAN-a", "{}.jpg"),
        *frames("1_fake/GAN-b", "{}.jpg"),
    )
    listing = list_folder(root)
    assert set(clips(listing).values()) == {0}
    assert {file.method for file in listing.files} == {"real", "GAN-a", "GAN-b"}


def test_numbers_that_go_on_from_folder_to_folder_are_photographs(tree):
    root = tree(*frames("00000", "{:05}.png"), *frames("01000", "{:05}.png", start=1000))
    assert set(clips(list_folder(root)).values()) == {0}


def test_what_stays_open_is_asked(tree):
    root = tree(*frames("fake/a1"), *frames("fake/a2"))
    with pytest.raises(InputError, match="--numbered=frames if each such folder is one clip"):
        list_folder(root)
    assert clips(list_folder(root, numbering="frames")) == {"fake/a1": 3, "fake/a2": 3}
    photos = list_folder(root, numbering="photos")
    assert set(clips(photos).values()) == {0}
    assert {file.method for file in photos.files} == {"a1", "a2"}


def test_a_series_of_one_stem_is_a_clip_beside_others(tree):
    root = tree(
        *frames("real", "vid7_{:04}.jpg", 31), *frames("real", "vid8_{:04}.jpg", 2), "real/x.jpg"
    )
    listing = list_folder(root)
    assert clips(listing) == {"real/vid7_0000.jpg": 31, "real/vid8_0000.jpg": 2, "real/x.jpg": 0}
    assert [file.identity for file in listing.files] == ["vid7", "vid8", "x"]
    assert [file.video_id for file in listing.files] == ["real/vid7", "real/vid8", "real/x"]


def test_a_series_that_may_be_of_photographs_is_one_person(tree):
    root = tree(
        *frames("ann", "ann_{:02}.jpg"),
        *frames("bob", "bob_{:02}.jpg", start=5),
        "a_1.jpg",
        "a_2.jpg",
    )
    listing = list_folder(root)
    assert set(clips(listing).values()) == {0}
    assert {file.identity for file in listing.files} == {"ann", "bob", "a"}


@pytest.mark.parametrize(
    "name", ["portrait_{:04}.jpg", "IMG_{:04}.jpg", "face-{}.png", "{:06}.png"]
)
def test_a_counter_is_nobodys_name(tree, name):
    listing = list_folder(tree(*(name.format(n) for n in range(5))))
    assert len({file.identity for file in listing.files}) == 5
    assert set(clips(listing).values()) == {0}


def test_a_person_who_says_who_is_who_has_photographs(tree):
    root = tree(*frames("real/ann", "{}.jpg"), *frames("real/bob", "{}.jpg"))
    listing = list_folder(root, "parent")
    assert [(file.identity, len(file.frames)) for file in listing.files] == [("ann", 0)] * 3 + [
        ("bob", 0)
    ] * 3


def test_a_clip_has_one_person_by_any_rule(tree):
    root = tree(*frames("real/ann", "frame_{}.jpg"), *frames("fake/ann", "frame_{}.jpg"))
    assert [file.identity for file in list_folder(root, "parent").files] == ["ann", "ann"]
    assert [file.identity for file in list_folder(root, "(.*)").files] == ["fake/ann", "real/ann"]
    with pytest.raises(InputError, match="does not match fake/ann"):
        list_folder(root, r"(\d+)")
    several = tree(*frames("more", "vid7_{}.jpg"))
    with pytest.raises(InputError, match="finds 0 and 1 in one clip, vid7_0"):
        list_folder(several / "more", r"_(\d+)", "real")


def test_other_files_beside_the_frames_are_files(tree):
    root = tree(*frames("real/a1"), *frames("real/b2"), "real/a1/cover.jpg", "real/b2/talk.mp4")
    assert clips(list_folder(root)) == {
        "real/a1": 3,
        "real/a1/cover.jpg": 0,
        "real/b2": 3,
        "real/b2/talk.mp4": 0,
    }


def test_the_only_folder_of_numbers_is_a_clip_by_its_name_among_labels(tree):
    assert clips(list_folder(tree(*frames("real/vid0")))) == {"real/vid0": 3}


@pytest.mark.parametrize(
    "folders",
    [["ann", "bob"], ["real/ffhq", "fake/stylegan2"], ["real/ann"], ["real/ann", "fake/Swap/ann"]],
)
def test_a_folder_may_be_a_clip_a_person_or_a_collection(tree, folders):
    root = tree(*(one for folder in folders for one in frames(folder)))
    with pytest.raises(InputError, match="--numbered=photos, and --identity=parent"):
        list_folder(root)
    assert set(clips(list_folder(root, numbering="frames")).values()) == {3}
    assert set(clips(list_folder(root, numbering="photos")).values()) == {0}


@pytest.mark.parametrize("name", ["frame_{:04}_face0.jpg", "{:04}_crop.png", "vid_frame{}.jpg"])
def test_more_than_a_number_may_stand_in_the_name_of_a_frame(tree, name):
    folders = ["real/vid0", "fake/Swap/vid0", "real/vid1"]
    root = tree(*(one for folder in folders for one in frames(folder, name)))
    assert clips(list_folder(root)) == dict.fromkeys(sorted(folders), 3)


def test_several_faces_of_a_frame_stay_in_one_clip(tree):
    faces = [f"real/vid0/frame_{n:03}_{face}.jpg" for n in range(3) for face in range(2)]
    assert clips(list_folder(tree(*faces))) == {"real/vid0": 6}


def test_frames_of_several_clips_in_one_folder(tree):
    root = tree(*frames("real", "vid7_frame_{}.jpg"), *frames("real", "vid8-frame-{}_a.jpg"))
    files = list_folder(root).files
    assert [(file.identity, len(file.frames)) for file in files] == [("vid7", 3), ("vid8", 3)]


@pytest.mark.parametrize(
    ("name", "parts"),
    [
        ("vid7_0031", ("vid7", "0031")),
        ("a-b-12", ("a-b", "12")),
        ("0031", ("", "")),
        ("person3", ("", "")),
        ("_3", ("", "")),
    ],
)
def test_the_series_in_a_name(name, parts):
    assert series_of(name) == parts
