"""Datasets by a table: what it may say, and every row that is not usable by its line."""

import os

import pytest

from jaxfake.data.layouts.own_files.table import list_table
from jaxfake.runtime.errors import InputError


@pytest.fixture
def table(tmp_path):
    """Writes a table beside some files, and lists it."""
    files = ["r1.jpg", "r2.MP4", "f1.jpg", "f2.mp4", "m1.png", "m2.mp4"]
    files += [f"{kind}/{n}.png" for kind in ("real", "fake", "mask") for n in (1, 2, 10)]
    for name in files:
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_bytes(name.encode())

    def listed(text: str | bytes, **options):
        path = tmp_path / "list.csv"
        path.write_bytes(text if isinstance(text, bytes) else text.encode())
        return list_table(path, tmp_path, **options)

    return listed


FULL = """path,label,identity,split,manipulation,mask,original
r1.jpg,real,ann,train,,,
f1.jpg,fake,ann,train,Swap,m1.png,r1.jpg
r2.MP4,0,bob,test,real,,
f2.mp4,1,bob,test,,m2.mp4,r2.MP4
"""


def by_path(listing):
    return {file.relative: file for file in listing.files}


def test_a_full_table_is_taken_as_it_says(table, tmp_path):
    listing = table(FULL)
    files = by_path(listing)
    said = {name: (one.label, one.method, one.identity, one.split) for name, one in files.items()}
    assert said == {
        "f1.jpg": (1, "Swap", "ann", "train"),
        "f2.mp4": (1, "fake", "bob", "test"),
        "r1.jpg": (0, "real", "ann", "train"),
        "r2.MP4": (0, "real", "bob", "test"),
    }
    assert files["f1.jpg"].mask == tmp_path / "m1.png"
    assert files["f2.mp4"].original == tmp_path / "r2.MP4"
    assert (listing.label, listing.split) == ("by the table", "by the table")


@pytest.mark.parametrize(
    "change",
    [
        lambda text: "\ufeff" + text,
        lambda text: text.replace(",", ";"),
        lambda text: text.replace(",", "\t"),
        lambda text: text.replace("\n", "\r\n"),
        lambda text: text.replace("path", '"Path"').replace("label", " LABEL "),
        lambda text: "\n\n" + text + "\n,,,,,,\n",
        lambda text: text.replace("real,ann", "REAL,ann").replace(",1,", ",Fake,"),
        lambda text: text.replace("r1.jpg", "./r1.jpg"),
        lambda text: "\n".join([text.split("\n")[0], *reversed(text.split("\n")[1:])]),
    ],
)
def test_the_same_table_in_other_clothes_gives_the_same(table, change):
    plain, other = table(FULL), table(change(FULL))
    assert (other.files, other.label) == (plain.files, plain.label)


def test_rows_of_one_video_are_its_frames_in_natural_order(table, tmp_path):
    rows = [
        f"{kind}/{n}.png,{kind},{kind} 7,{mask}"
        for kind in ("real", "fake")
        for n in (10, 2, 1)
        for mask in (f"mask/{n}.png" if kind == "fake" else "",)
    ]
    listing = table("\n".join(["path,label,video,mask", *rows]))
    assert [(file.video_id, file.identity) for file in listing.files] == [
        ("fake 7", "fake 7"),
        ("real 7", "real 7"),
    ]
    fake = listing.files[0]
    assert fake.frames == tuple(tmp_path / "fake" / f"{n}.png" for n in (1, 2, 10))
    assert fake.mask == tuple(tmp_path / "mask" / f"{n}.png" for n in (1, 2, 10))
    assert fake.relative == "fake/1.png"


def test_folders_of_pictures_are_clips(table, tmp_path):
    listing = table("path,label,mask,original\nfake,fake,mask,real\nreal,real,,\n")
    fake = by_path(listing)["fake"]
    assert (fake.path, fake.mask, fake.original) == tuple(
        tmp_path / name for name in ("fake", "mask", "real")
    )


def test_a_fake_and_its_original_stay_together(table):
    text = "path,label,original\nr1.jpg,real,\nf1.jpg,fake,r1.jpg\nf2.mp4,fake,r2.MP4\n"
    assert {name: file.linked for name, file in by_path(table(text)).items()} == {
        "r1.jpg": (),
        "f1.jpg": ("r1",),
        "f2.mp4": ("original r2.MP4",),
    }


def test_a_table_that_parts_a_person_is_refused_by_name(table):
    with pytest.raises(
        InputError, match=r"ann is in two splits: f1.jpg is in test, r1.jpg in train"
    ):
        table(FULL.replace("f1.jpg,fake,ann,train", "f1.jpg,fake,ann,test"))
    linked = "path,label,split,original\nr1.jpg,real,train,\nf1.jpg,fake,test,r1.jpg\n"
    with pytest.raises(InputError, match="f1 and r1 are linked and in two splits"):
        table(linked)
    assert {file.split for file in table(linked, own_splits=False).files} == {""}


@pytest.mark.parametrize(
    ("row", "says"),
    [
        ("gone.jpg,real", "line 3: path 'gone.jpg': it is not there"),
        ("../x.jpg,real", "without '..'"),
        ("/etc/passwd,real", "should be relative"),
        (r"a\b.jpg,real", "should be relative"),
        ("out.jpg,real", "a link that leaves the folder"),
        ("list.csv,real", "neither a picture nor a video"),
        ("pipe.mp4,real", "not a regular file"),
        ("empty,real", "it holds no picture"),
        (",real", "path is empty"),
        ("f1.jpg,", "the label is ''"),
        ("f1.jpg,2", "the label is '2', not real, fake, 0, 1 or unknown"),
        ("f1.jpg,real,x", "it has 3 cells, and the header has 2"),
        ("r1.jpg,real", "r1.jpg is in line 2 already"),
        ("./r1.jpg,real", "in line 2 already"),
        ("f1\x07.jpg,real", "control characters"),
    ],
)
def test_a_bad_row_is_named_by_its_line(table, tmp_path, row, says):
    (tmp_path / "empty").mkdir()
    (tmp_path / "out.jpg").symlink_to("/etc/hostname")
    os.mkfifo(tmp_path / "pipe.mp4")
    with pytest.raises(InputError) as caught:
        table(f"path,label\nr1.jpg,real\n{row}\nf2.mp4,fake\n")
    assert says in str(caught.value)
    assert "list.csv: 1 of 3 rows" in str(caught.value)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize(
    ("header", "row", "says"),
    [
        ("split", "f1.jpg,fake,both", "the split is 'both', not train, val or test"),
        ("manipulation", "f1.jpg,fake,Real", "a fake cannot have the manipulation Real"),
        ("manipulation", "r2.MP4,real,Swap", "a real file cannot have the manipulation 'Swap'"),
        ("mask", "r2.MP4,real,m2.mp4", "only a fake can have one"),
        ("mask", "f1.jpg,fake,m2.mp4", "mask is a video, and the file is a picture"),
        ("mask", "f2.mp4,fake,m1.png", "mask is a picture, and the file is a video"),
        ("original", "f1.jpg,fake,f2.mp4", "original is a video"),
        ("original", "f1.jpg,fake,gone.jpg", "original 'gone.jpg': it is not there"),
        ("original", "f1.jpg,fake,f1.jpg", "its original is not real by line 3"),
        ("split", "f1.jpg,fake,train", "line 2: it has no split, and other rows have one"),
    ],
)
def test_what_a_row_cannot_say(table, header, row, says):
    with pytest.raises(InputError) as caught:
        table(f"path,label,{header}\nr1.jpg,real,\n{row}\n")
    assert says in str(caught.value)


@pytest.mark.parametrize(
    ("rows", "says"),
    [
        (
            ["real/1.png,real,v,a", "real/2.png,fake,v,a"],
            "line 3: label is not as in line 2 (video v)",
        ),
        (["real/1.png,real,v,a", "real/2.png,real,v,b"], "line 3: identity is not as in line 2"),
        (["real/1.png,real,v,a", "r2.MP4,real,v,a"], "line 3: r2.MP4 is not a picture"),
    ],
)
def test_rows_of_one_video_agree(table, rows, says):
    with pytest.raises(InputError) as caught:
        table("\n".join(["path,label,video,identity", *rows]))
    assert says in str(caught.value)


def test_all_bad_rows_are_counted_and_the_first_named(table):
    rows = [f"gone{n}.jpg,real" for n in range(12)]
    with pytest.raises(InputError) as caught:
        table("\n".join(["path,label", "r1.jpg,real", *rows]))
    assert "12 of 13 rows are not usable: line 3: path 'gone0.jpg'" in str(caught.value)
    assert "line 7" in str(caught.value)
    assert "line 8" not in str(caught.value)
    assert str(caught.value).endswith("and 7 more")


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("", "begins with ''"),
        ("file,label\nr1.jpg,real\n", "expected are the columns path, label"),
        ("path|label\nr1.jpg|real\n", "parted by commas, semicolons or tabs"),
        ("path,label,path\nr1.jpg,real,r1.jpg\n", "the column path twice"),
        ("path,label\n", "has no rows"),
        ('path,label\n"r1.jpg,real\n', "line 2: unexpected end of data"),
        (b"path,label\n\xff.jpg,real\n", "not text in UTF-8"),
    ],
)
def test_what_is_no_table_is_one_line(table, text, says):
    with pytest.raises(InputError) as caught:
        table(text)
    assert says in str(caught.value)
    assert "\n" not in str(caught.value)


def test_a_table_may_come_from_windows(table):
    (file,) = table("path,label\r\nr1.jpg,real\r\n".encode("utf-16")).files
    assert (file.relative, file.label) == ("r1.jpg", 0)


def test_columns_that_are_not_read_are_named(table):
    listing = table("path,label,actor,quality\nr1.jpg,real,7,q75\n")
    assert listing.notes == ["columns of the table that are not read: actor, quality"]


def test_without_a_table_or_its_folder_it_says_so(tmp_path):
    with pytest.raises(InputError, match=r"none.csv is not there"):
        list_table(tmp_path / "none.csv", tmp_path)
    with pytest.raises(InputError, match="is not a folder"):
        list_table(tmp_path / "none.csv", tmp_path / "nowhere")


def test_video_ids_are_unique(table, tmp_path):
    (tmp_path / "r1.png").write_bytes(b"x")
    listing = table("path,label,video\nr1.jpg,real,\nr1.png,real,\nf1.jpg,real,r2\nr2.MP4,real,\n")
    assert [file.video_id for file in listing.files] == ["r2", "r1.jpg", "r1.png", "r2.MP4"]
