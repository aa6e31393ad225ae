"""A person's own folder or table, prepared: clips, splits, masks, and what is refused before any work."""

from pathlib import Path

import cv2
import numpy as np
import pytest

from jaxfake.data.dataset import open_split
from jaxfake.data.layouts.registry import TABLE, SourceOptions
from jaxfake.data.preparation.cropping import CropOptions
from jaxfake.data.preparation.prepare import prepare
from jaxfake.data.preparation.splits import SplitShares
from jaxfake.runtime.errors import InputError
from tests.data.preparation import stand_in
from tests.data.written import contents

DERIVED = CropOptions(size=64, frames=3, storage="png", derive=0.1)
ALL_TRAIN = SplitShares(1.0, 0.0, 0.0)


@pytest.fixture
def source(tmp_path, monkeypatch):
    stand_in.install(monkeypatch)
    return tmp_path / "source"


def written(out: Path, split: str = "train"):
    faces = open_split(out, split, 64)
    return [faces[row] for row in range(len(faces))]


def textured(seed: int) -> np.ndarray:
    """A still of 48 pixels in which no two regions look alike."""
    small = np.random.default_rng(seed).integers(1, 256, (12, 12, 3), dtype=np.uint8)
    return cv2.resize(small, (48, 48), interpolation=cv2.INTER_CUBIC)


def swapped(original: np.ndarray) -> np.ndarray:
    """The same with something else in the middle of the face."""
    forged = original.copy()
    forged[18:30, 18:30] = 255 - forged[18:30, 18:30]
    return forged


def save(path: Path, picture: np.ndarray) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(cv2.imencode(".png", picture)[1].tobytes())


def test_frames_in_folders_are_clips_and_no_person_is_in_two_splits(source, tmp_path):
    for person in range(12):
        for n in range(4):
            stand_in.picture(
                source / "real" / f"vid{person}" / f"frame_{n:04}.png", 10 * person + n
            )
            fake = source / "fake" / f"vid{person}_x" / f"frame_{n:04}.png"
            stand_in.picture(fake, 1000 + 10 * person + n)
    shares = SplitShares(0.5, 0.2, 0.3)
    result = prepare(stand_in.wanted(source, tmp_path / "out", shares=shares))
    taken = result.coverage.taken
    assert (taken["identities"], taken["clips_of_pictures"]) == (12, 24)
    assert not taken["each_file_its_own_identity"]
    splits = {}
    for split in ("train", "val", "test"):
        faces = open_split(tmp_path / "out", split, stand_in.SIZE)
        for identity in faces.index.identity:
            splits.setdefault(identity, set()).add(split)
        assert set(faces.index.method) == {"real", "fake"}
        assert set(faces.index.frame) == {0, 2, 3}
    assert len(splits) == 12
    assert all(len(found) == 1 for found in splits.values())


def test_a_fake_of_two_people_holds_them_together(source, tmp_path):
    for n in range(20):
        stand_in.picture(source / "real" / f"{n:03}.png", n)
    for n in range(0, 20, 2):
        stand_in.picture(source / "fake" / "Swap" / f"{n:03}_{n + 1:03}.png", 100 + n)
    prepare(stand_in.wanted(source, tmp_path / "out", shares=SplitShares(0.4, 0.3, 0.3)))
    split_of = {}
    for split in ("train", "val", "test"):
        faces = open_split(tmp_path / "out", split, stand_in.SIZE)
        split_of |= dict.fromkeys(
            (video.rpartition("/")[2] for video in faces.index.video_id), split
        )
    assert len(set(split_of.values())) == 3
    for n in range(0, 20, 2):
        one, other = f"{n:03}", f"{n + 1:03}"
        assert split_of[one] == split_of[other] == split_of[f"{one}_{other}"]


@pytest.mark.parametrize("dataset", ["folder", "csv"])
def test_pairs_of_stills_give_derived_masks_or_are_named(source, tmp_path, dataset):
    one, other = textured(1), textured(2)
    save(source / "real" / "ann.png", one)
    save(source / "real" / "bob.png", other)
    save(source / "fake" / "Swap" / "ann.png", swapped(one))
    save(source / "fake" / "Swap" / "bob.png", swapped(textured(3)))
    options = {"shares": ALL_TRAIN, "crops": DERIVED}
    if dataset == "csv":
        rows = ["path,label,manipulation,original", "real/ann.png,real,,", "real/bob.png,real,,"]
        rows += [f"fake/Swap/{name}.png,fake,Swap,real/{name}.png" for name in ("ann", "bob")]
        options |= {"dataset": TABLE, "source_options": as_table(source, rows)}
    result = prepare(stand_in.wanted(source, tmp_path / "out", **options))
    assert result.coverage.coverage["train"]["Swap"]["masks"] == 1
    (named,) = [one for one in result.coverage.files if one["status"].startswith("no mask")]
    assert named["file"] == "fake/Swap/bob.png"
    assert "another picture outside of the face" in named["status"]
    fakes = {face.video_id: face for face in written(tmp_path / "out") if face.label}
    assert fakes["fake/Swap/ann"].has_mask
    assert fakes["fake/Swap/ann"].forgery_mask.any()
    assert not fakes["fake/Swap/bob"].has_mask


def as_table(source: Path, rows: list[str]) -> SourceOptions:
    table = source / "files.csv"
    table.write_text("\n".join(rows))
    return SourceOptions(manifest=table)


def test_without_being_asked_for_no_mask_is_derived(source, tmp_path):
    save(source / "real" / "ann.png", textured(1))
    save(source / "fake" / "Swap" / "ann.png", swapped(textured(1)))
    result = prepare(stand_in.wanted(source, tmp_path / "out", shares=ALL_TRAIN))
    assert result.coverage.coverage["train"]["Swap"]["masks"] == 0
    assert not [one for one in result.coverage.files if one["status"].startswith("no mask")]


def test_masks_of_a_table_are_those_of_the_frames(source, tmp_path):
    rows = ["path,label,video,mask"]
    for n in range(3):
        stand_in.picture(source / "f" / f"{n}.png", n)
        mask = np.zeros((48, 48, 3), np.uint8)
        mask[: 16 * (n + 1)] = 255
        save(source / "m" / f"{n}.png", mask)
        rows.append(f"f/{n}.png,1,clip 7,m/{n}.png")
    options = as_table(source, rows)
    wanted = {"dataset": TABLE, "source_options": options, "shares": ALL_TRAIN, "crops": DERIVED}
    prepare(stand_in.wanted(source, tmp_path / "out", **wanted))
    shares = [(face.forgery_mask > 0).mean() for face in written(tmp_path / "out")]
    assert len(shares) == 3
    assert shares == sorted(set(shares)), shares


def test_the_order_of_the_rows_makes_no_difference(source, tmp_path):
    stand_in.source(source)
    files = sorted(one.relative_to(source).as_posix() for one in source.rglob("*.*"))
    rows = [f"{name},{name.split('/')[0]},person {n}" for n, name in enumerate(files)]
    for name, ordered in (("one", rows), ("two", rows[::-1])):
        options = as_table(source, ["path,label,identity", *ordered])
        prepare(stand_in.wanted(source, tmp_path / name, dataset=TABLE, source_options=options))
    assert contents(tmp_path / "one") == contents(tmp_path / "two")


def test_a_table_that_says_something_else_is_another_source(source, tmp_path):
    for n in range(3):
        stand_in.picture(source / f"{n}.png", n)

    def made(label: str):
        options = as_table(source, ["path,label", "0.png,real", "1.png,real", f"2.png,{label}"])
        return prepare(
            stand_in.wanted(source, tmp_path / "out", dataset=TABLE, source_options=options)
        )

    assert made("fake").newly_made
    assert not made("fake").newly_made
    with pytest.raises(InputError, match="prepared from other files"):
        made("real")


@pytest.mark.parametrize(
    "names",
    [
        ["my_fakes_2020/a.png"],
        ["train/real/ann.png", "test/real/ann.png"],
        ["fake/a/0.png", "fake/a/1.png", "fake/b/0.png", "fake/b/1.png"],
        ["real/a.png", "neither/b.png"],
    ],
)
def test_what_is_not_settled_is_refused_before_anything_is_written(source, tmp_path, names):
    for n, name in enumerate(names):
        stand_in.picture(source / name, n)
    with pytest.raises(InputError, match=r"--(label|identity|numbered|dataset)"):
        prepare(stand_in.wanted(source, tmp_path / "out"))
    assert not (tmp_path / "out").exists()


def test_what_was_taken_is_said_first(source, tmp_path, capsys):
    stand_in.source(source)
    prepare(stand_in.wanted(source, tmp_path / "out"))
    said = capsys.readouterr().out
    for what in ("label", "manipulation", "identity", "split"):
        assert any(line.startswith(what) for line in said.splitlines())
    assert "Each of the 10 files is taken as another person." in said
