"""Who is in a file by its name, and who belongs together."""

import pytest

from jaxfake.data.layouts.own_files.folder import list_folder
from jaxfake.data.layouts.own_files.linked_identities import first_of_group
from jaxfake.runtime.errors import InputError


@pytest.fixture
def listed(tmp_path):
    def make(*relatives: str, **options):
        for relative in relatives:
            path = tmp_path / "data" / relative
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(relative.encode())
        return {file.relative: file for file in list_folder(tmp_path / "data", **options).files}

    return make


def who(file):
    return (file.identity, *file.linked)


def test_a_fake_of_two_reals_belongs_to_both(listed):
    files = listed(
        "real/000.mp4", "real/003.mp4", "real/7.mp4", "fake/X/000_003.mp4", "fake/Y/003_000.mp4"
    )
    assert who(files["fake/X/000_003.mp4"]) == ("000", "003")
    assert who(files["fake/Y/003_000.mp4"]) == ("003", "000")
    assert first_of_group(files.values()) == {"000": "000", "003": "000", "7": "7"}


def test_without_reals_a_pair_is_known_by_its_reverse(listed):
    files = listed("fake/X/012_026.mp4", "fake/X/026_012.mp4", "fake/X/my_clip.mp4")
    assert who(files["fake/X/012_026.mp4"]) == ("012", "026")
    assert who(files["fake/X/my_clip.mp4"]) == ("my_clip",)


def test_numbers_of_one_name_and_fakes_of_two_such_names(listed):
    files = listed(
        "real/id0_0000.mp4", "real/id0_0001.mp4", "real/id1_0000.mp4", "fake/id0_id1_0001.mp4"
    )
    assert who(files["real/id0_0001.mp4"]) == ("id0",)
    assert files["fake/id0_id1_0001.mp4"].identity == "id0"
    assert set(who(files["fake/id0_id1_0001.mp4"])) == {"id0", files["real/id1_0000.mp4"].identity}


@pytest.mark.parametrize("name", ["ann", "ann_swapped", "ann-v2", "swap_ann", "ann_x_y"])
def test_a_fake_named_after_a_real_is_of_it_and_links_nobody_else(listed, name):
    files = listed("real/ann.mp4", "real/bob.mp4", f"fake/{name}.mp4", "fake/bob_swapped.mp4")
    assert who(files[f"fake/{name}.mp4"]) == ("ann",)
    assert who(files["fake/bob_swapped.mp4"]) == ("bob",)


def test_a_person_who_says_who_is_who_is_obeyed(listed):
    files = listed("real/000.mp4", "real/003.mp4", "fake/000_003.mp4", identity="(.*)")
    assert [who(file) for file in files.values()] == [(name,) for name in files]


def test_originals_are_the_one_real_file_of_the_same_kind(listed):
    files = listed(
        *("real/000.mp4", "real/003.mp4", "fake/X/000_003.mp4", "fake/X/003.mp4", "fake/X/000.jpg"),
        *(f"real/v1/frame_{n}.png" for n in range(2)),
        *(f"fake/X/v1/frame_{n}.png" for n in range(2)),
        *("real/a/b.mp4", "real/c/b.mp4", "fake/X/b.mp4"),
    )
    originals = {name: file.original for name, file in files.items() if file.label}
    assert originals["fake/X/000_003.mp4"] == files["real/000.mp4"].path
    assert originals["fake/X/003.mp4"] == files["real/003.mp4"].path
    assert originals["fake/X/000.jpg"] is None  # a video has no frame for a photograph
    assert originals["fake/X/v1"] == files["real/v1"].frames
    assert originals["fake/X/b.mp4"] is None  # there are two of that name
    assert {file.original for file in files.values() if not file.label} == {None}


def test_the_original_of_a_numbered_fake_has_the_same_number(listed):
    files = listed(
        "real/id0_0000.mp4", "real/id0_0001.mp4", "real/id1_0001.mp4", "fake/id0_id1_0001.mp4"
    )
    assert files["fake/id0_id1_0001.mp4"].original == files["real/id0_0001.mp4"].path


def test_numbers_in_two_splits_are_different_people(listed):
    files = listed("train/real/0.jpg", "train/fake/0.jpg", "test/real/0.jpg", "test/fake/vid_1.mp4")
    assert [who(file) for file in files.values()] == [
        ("test/vid_1",),
        ("test/0",),
        ("train/0",),
        ("train/0",),
    ]


@pytest.mark.parametrize(
    "names",
    [
        ("train/real/ann.mp4", "test/real/ann.mp4"),
        ("train/real/000.mp4", "train/real/003.mp4", "test/fake/000_003.mp4"),
        ("train/real/ann/frame_0.png", "train/real/ann/frame_1.png", "val/real/ann.mp4"),
    ],
)
def test_somebody_in_two_splits_of_the_folders_is_named(listed, names):
    with pytest.raises(InputError, match=r"(ann|000).* in two splits.*--splits.*--identity"):
        listed(*names)
    assert listed(own_splits=False)
    assert listed(identity="(.*)")


def test_the_name_of_a_folder_tells_equal_numbers_apart(listed):
    files = listed("real/ann/1.mp4", "real/bob/1.mp4", "fake/X/ann/1.mp4")
    assert [who(file) for file in files.values()] == [("ann/1",), ("ann/1",), ("bob/1",)]


def test_collections_with_equal_numbers_have_other_people(listed):
    files = listed(
        *(
            f"{gan}/{label}/{n}.jpg"
            for gan in "ab"
            for label in ("0_real", "1_fake")
            for n in (1, 2)
        )
    )
    assert {who(file) for file in files.values()} == {("a/1",), ("a/2",), ("b/1",), ("b/2",)}


def test_one_person_with_several_photographs_is_one(listed):
    files = listed("Ann_A_0001.jpg", "Ann_A_0002.jpg", "Bob_B_0001.jpg")
    assert [who(file) for file in files.values()] == [("Ann_A",), ("Ann_A",), ("Bob_B_0001",)]
