"""Which folders are labels and splits in the layouts that people have, and what is asked."""

import pytest

from jaxfake.data.layouts.own_files.folder import BY_FOLDER, gives_labels, list_folder
from jaxfake.runtime.errors import InputError


@pytest.fixture
def tree(tmp_path):
    def make(*relatives: str, root: str = "data"):
        for relative in relatives:
            path = tmp_path / root / relative
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(relative.encode())
        return tmp_path / root

    return make


def labels(root, **options):
    return {
        file.relative: ("real", "fake", "unknown")[file.label]
        for file in list_folder(root, **options).files
    }


@pytest.mark.parametrize(
    ("real", "fake"),
    [
        ("0_real", "1_fake"),
        ("real_images", "fake_images"),
        ("REAL-videos", "FAKE-videos"),
        ("originals", "manipulated"),
        ("Original", "Deepfakes"),
        ("pristine", "synthesis"),
        ("authentic_faces", "generated"),
        ("genuine", "synthetic images"),
        ("RealFaces", "FakeFaces"),
        ("original_sequences/youtube/c23/videos", "manipulated_sequences/Deepfakes/c23/videos"),
        ("YouTube-real", "Celeb-synthesis"),
        ("mydata/real", "mydata/fake"),
        ("a/b/c/Reals", "a/b/c/Fakes"),
        ("real_vs_fake/real-vs-fake/real", "real_vs_fake/real-vs-fake/fake"),
        ("deepfake_dataset/real", "deepfake_dataset/fake"),
        ("Deepfakes/real", "Deepfakes/fake"),
        ("one/real", "two/fake"),
    ],
)
def test_words_in_folder_names_are_labels_at_any_depth(tree, real, fake):
    root = tree(f"{real}/x.jpg", f"{fake}/y.jpg")
    assert labels(root) == {f"{real}/x.jpg": "real", f"{fake}/y.jpg": "fake"}
    assert list_folder(root).label == BY_FOLDER
    assert gives_labels(root)


def test_several_collections_each_with_both_labels(tree):
    root = tree("Deepfakes/real/1.jpg", "Deepfakes/fake/1.jpg", "GAN/real/2.jpg", "GAN/fake/2.jpg")
    assert set(labels(root).values()) == {"real", "fake"}
    assert all(f"/{label}/" in name for name, label in labels(root).items())


@pytest.mark.parametrize(
    "names",
    [
        ("real_estate/a.jpg",),
        ("unreal/a.jpg", "b/c.jpg"),
        ("mixed_deepfake_set/a.jpg",),
        ("not_fake/a.jpg",),
        ("face_swap/a.jpg", "webcam/b.jpg"),
        ("stylegan2/a.jpg", "ffhq/b.jpg"),
        ("ai_faces/a.jpg",),
        ("0/a.jpg", "1/b.jpg"),
        ("class_0/a.jpg", "class_1/b.jpg"),
        ("positive/a.jpg", "negative/b.jpg"),
        ("fake_0001.jpg", "real_0001.jpg"),
    ],
)
def test_names_that_may_speak_of_it_are_refused_until_a_label_is_given(tree, names):
    root = tree(*names)
    with pytest.raises(InputError, match="give --label=real, fake or unknown") as caught:
        list_folder(root)
    assert "\n" not in str(caught.value)
    assert not gives_labels(root)
    assert set(labels(root, label="fake").values()) == {"fake"}


@pytest.mark.parametrize(
    ("root", "label"),
    [
        ("fake", "fake"),
        ("Deepfakes/videos", "fake"),
        ("original/c23/videos", "real"),
        ("real_clips", "real"),
    ],
)
def test_a_source_that_is_itself_named_by_a_label_has_it(tree, root, label):
    listing = list_folder(tree("a.mp4", root=root))
    assert {file.method for file in listing.files} == {label}
    assert listing.label == label


def test_a_source_of_an_unclear_name_is_asked_about(tree):
    with pytest.raises(InputError, match="the name deepfake_dump/ may speak of it"):
        list_folder(tree("a.mp4", root="deepfake_dump"))


@pytest.mark.parametrize(
    ("names", "says"),
    [
        (
            ["original/a.jpg", "Deepfakes/b.jpg", "FaceSwap/c.jpg"],
            r"FaceSwap/c.jpg is neither below",
        ),
        (["fake/real/a.jpg", "fake/other/b.jpg"], "contradicts itself"),
        (["fake/RealVisXL/a.jpg", "real/b.jpg"], "fake/RealVisXL contradicts itself"),
        (["real_faces_of_me/fake/a.jpg", "real/b.jpg"], "contradicts itself"),
        (["train/real/a.jpg", "b.jpg"], "b.jpg is neither below"),
        (["train/a/x.jpg", "b/x.jpg"], "b/x.jpg is in no split.*--splits"),
        (["train/test/a.jpg"], "in two splits, test and train"),
    ],
)
def test_contradictions_and_half_of_an_answer_are_refused(tree, names, says):
    with pytest.raises(InputError, match=says):
        list_folder(tree(*names))


@pytest.mark.parametrize(
    "order", ["{split}/{label}", "{label}/{split}", "all/{split}/{label}_images"]
)
def test_splits_in_folder_names_are_the_datasets_own(tree, order):
    names = [
        order.format(split=split, label=label) + f"/{label}{n}.jpg"
        for n, split in enumerate(("Train", "valid", "testing"))
        for label in ("real", "fake")
    ]
    listing = list_folder(tree(*names))
    assert listing.split == BY_FOLDER
    found = {(file.split, file.method) for file in listing.files}
    assert found == {(s, m) for s in ("train", "val", "test") for m in ("real", "fake")}


def test_split_and_label_in_one_name(tree):
    listing = list_folder(tree("real_train/a.jpg", "fake_train/b.jpg", "test-fake/c.jpg"))
    assert {file.relative: (file.split, file.label) for file in listing.files} == {
        "real_train/a.jpg": ("train", 0),
        "fake_train/b.jpg": ("train", 1),
        "test-fake/c.jpg": ("test", 1),
    }


def test_splits_of_folders_can_be_left_aside(tree):
    listing = list_folder(tree("train/real/a.jpg", "test/real/b.jpg"), own_splits=False)
    assert {file.split for file in listing.files} == {""}
    assert listing.split == ""


@pytest.mark.parametrize("name", ["driving_test_3", "trainers", "valentine", "public_test_b"])
def test_other_names_with_such_words_are_no_splits(tree, name):
    assert {file.split for file in list_folder(tree(f"{name}/a.jpg", "b.jpg")).files} == {""}


@pytest.mark.parametrize(
    ("folder", "method"),
    [
        ("fake", "fake"),
        ("fake/FaceSwap", "FaceSwap"),
        ("fake/videos", "fake"),
        ("manipulated_sequences/Face2Face/c23/videos", "Face2Face"),
        ("train/fake/NeuralTextures", "NeuralTextures"),
        ("fake/NeuralTextures/train", "NeuralTextures"),
        ("Celeb-synthesis", "Celeb-synthesis"),
    ],
)
def test_the_manipulation_is_the_folder_that_names_it(tree, folder, method):
    reals = "real/train/r.jpg" if "train" in folder else "real/r.jpg"
    files = list_folder(tree(reals, f"{folder}/a.jpg")).files
    assert [file.method for file in files if file.label] == [method]


def test_what_storage_boxes_and_desktops_leave_behind_is_passed_over(tree):
    root = tree(
        "real/a.jpg",
        "real/@eaDir/a.jpg/SYNOPHOTO_THUMB_M.jpg",
        "#recycle/b.jpg",
        "$RECYCLE.BIN/S-1-5/c.jpg",
        ".thumbnails/d.jpg",
        "__MACOSX/real/._a.jpg",
        "real/._a.jpg",
        "real/Thumbs.db",
        "real/desktop.ini",
        "lost+found/e.jpg",
        "@Recycle/f.jpg",
        "System Volume Information/g.jpg",
    )
    listing = list_folder(root)
    assert [file.relative for file in listing.files] == ["real/a.jpg"]
    assert not listing.refused
