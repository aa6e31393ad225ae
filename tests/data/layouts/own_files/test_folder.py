"""What a folder's names say."""

import os

import pytest

from jaxfake import schema
from jaxfake.data.layouts.listing import content_digest
from jaxfake.data.layouts.own_files.folder import BY_FOLDER, list_folder
from jaxfake.data.layouts.safe_paths import LEAVES
from jaxfake.runtime.errors import InputError


@pytest.fixture
def tree(tmp_path):
    def make(*relatives: str):
        for relative in relatives:
            path = tmp_path / "root" / relative
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(relative.encode())
        return tmp_path / "root"

    return make


def by_name(listing):
    return {file.relative: file for file in listing.files}


def test_a_plain_folder_is_all_real(tree):
    listing = list_folder(tree("b/two.MP4", "a.jpg", "c.png", "notes.txt"))
    assert [file.relative for file in listing.files] == ["a.jpg", "b/two.MP4", "c.png"]
    assert {file.label for file in listing.files} == {schema.REAL}
    assert {file.method for file in listing.files} == {"real"}
    assert listing.label == "real"


@pytest.mark.parametrize(
    ("label", "number", "method"),
    [("fake", schema.FAKE, "fake"), ("unknown", schema.UNKNOWN, "unknown")],
)
def test_a_label_can_be_given(tree, label, number, method):
    (file,) = list_folder(tree("a.jpg"), label=label).files
    assert (file.label, file.method) == (number, method)


def test_real_and_fake_folders_give_label_and_method(tree):
    root = tree("Real/a.mp4", "FAKE/x.mp4", "FAKE/Deepfakes/sub/y.mp4", "FAKE/FaceSwap/z.mp4")
    listing = list_folder(root)
    files = by_name(listing)
    assert listing.label == BY_FOLDER
    assert {name: (file.label, file.method) for name, file in files.items()} == {
        "Real/a.mp4": (0, "real"),
        "FAKE/x.mp4": (1, "fake"),
        "FAKE/Deepfakes/sub/y.mp4": (1, "Deepfakes"),
        "FAKE/FaceSwap/z.mp4": (1, "FaceSwap"),
    }


@pytest.mark.parametrize(
    ("names", "options", "says"),
    [
        (["real/a.jpg", "stray.jpg"], {}, "stray.jpg is neither below real/"),
        (["real/a.jpg"], {"label": "fake"}, "leave it out"),
        (["fake/Real/a.jpg"], {}, "contradicts itself"),
        (["notes.txt", ".hidden.jpg", ".cache/a.jpg"], {}, "no photograph or video"),
        (["a.jpg"], {"identity": "("}, "not a regular expression"),
        (["a.jpg"], {"identity": "a"}, "needs one group"),
        (["a.jpg", "7_b.jpg"], {"identity": r"(\d+)_"}, "does not match a.jpg"),
        (["a.jpg"], {"identity": "parent"}, "not in a folder of its person"),
        (["real/a.jpg"], {"identity": "parent"}, "not in a folder of its person"),
        (["fake/Deepfakes/a.jpg"], {"identity": "parent"}, "not in a folder of its person"),
    ],
)
def test_names_that_do_not_say_it_are_one_line(tree, names, options, says):
    with pytest.raises(InputError, match=says) as caught:
        list_folder(tree(*names), **options)
    assert "\n" not in str(caught.value)


def test_a_missing_folder_is_one_line(tmp_path):
    with pytest.raises(InputError, match="is not a folder"):
        list_folder(tmp_path / "nowhere")


def test_who_is_who(tree):
    root = tree("real/ann/1.mp4", "fake/FaceSwap/ann/2.mp4", "fake/FaceSwap/bob/12_ann.mp4")

    def identities(rule):
        return [file.identity for file in list_folder(root, rule).files]

    assert identities("") == ["2", "12_ann", "1"]
    assert identities("parent") == ["ann", "bob", "ann"]
    assert identities(r"(\d)[^/]*$") == ["2", "1", "1"]


def test_video_ids_are_unique_and_bare_where_they_can_be(tree):
    listing = list_folder(tree("a/1.jpg", "a/1.png", "b/1.jpg"))
    assert [file.video_id for file in listing.files] == ["a/1.jpg", "a/1.png", "b/1"]


def test_what_leaves_the_folder_is_refused_and_named(tree, tmp_path):
    root = tree("in.jpg", "sub/also.jpg")
    outside = tmp_path / "secret.jpg"
    outside.write_bytes(b"x")
    (root / "out.jpg").symlink_to(outside)
    (root / "inner.jpg").symlink_to(root / "in.jpg")
    (root / "broken.jpg").symlink_to(root / "gone.jpg")
    (root / "loop").symlink_to(root)
    os.mkfifo(root / "pipe.mp4")
    (root / "line\nbreak.jpg").write_bytes(b"x")
    listing = list_folder(root)
    assert [file.relative for file in listing.files] == ["in.jpg", "inner.jpg", "sub/also.jpg"]
    assert {refused.relative: refused.reason for refused in listing.refused} == {
        "out.jpg": LEAVES,
        "broken.jpg": "it is not a regular file",
        "pipe.mp4": "it is not a regular file",
        "line\nbreak.jpg": "its name holds control characters or is not UTF-8",
    }


def test_a_name_that_is_no_utf8_is_refused(tree):
    root = tree("a.jpg")
    (root / os.fsdecode(b"\xff.jpg")).write_bytes(b"x")
    assert len(list_folder(root).refused) == 1


@pytest.mark.parametrize("at", [0, 150_000, 299_999])
def test_the_digest_sees_edits_at_both_ends_and_of_the_size(tmp_path, at):
    path = tmp_path / "a.mp4"
    data = bytearray(300_000)
    path.write_bytes(data)
    before = content_digest(path)
    path.write_bytes(data[:at] + b"x" + data[at:])
    assert content_digest(path) != before
